import type { Random } from '../clock.js';
import type { OutlierDetection } from '../model/cluster.js';
import type { HostMonitor } from './host-monitor.js';

/**
 * Whether one more host may go. The percent bounds the first ejection too: of 9 hosts, 10 % is none (Envoy
 * `max_ejection_percent`, `always_eject_one_host`).
 */
export function mayEjectOneMore(settings: OutlierDetection, ejected: number, hosts: number): boolean {
  if (settings.alwaysEjectOneHost && ejected === 0) return true;
  return (ejected + 1) * 100 <= Math.min(100, settings.maxEjectionPercent) * hosts;
}

/** Marks the host as out from `now` on, for longer each time, until the cap is reached. */
export function beginEjection(monitor: HostMonitor, settings: OutlierDetection, now: number, random: Random): void {
  const { baseEjectionTimeMs, maxEjectionTimeMs, maxEjectionTimeJitterMs } = settings;
  const jitterMs = maxEjectionTimeJitterMs === 0 ? 0 : Math.floor(random() * (maxEjectionTimeJitterMs + 1));
  monitor.standing = { kind: 'ejected', since: now, jitterMs };
  if (monitor.ejectionMultiplier * baseEjectionTimeMs < maxEjectionTimeMs + baseEjectionTimeMs) {
    monitor.ejectionMultiplier += 1;
  }
}

/** Whether the time of an ejected host is over. Settings count as they are now, as in Envoy. */
export function isEjectionOver(monitor: HostMonitor, settings: OutlierDetection, now: number): boolean {
  const { standing } = monitor;
  if (standing.kind !== 'ejected') return false;
  const forMs = Math.min(settings.baseEjectionTimeMs * monitor.ejectionMultiplier, settings.maxEjectionTimeMs);
  return now - standing.since >= forMs + standing.jitterMs;
}

export function endEjection(monitor: HostMonitor, now: number): void {
  monitor.standing = { kind: 'back', since: now };
  monitor.resetConsecutive();
}

/** A whole interval without ejection makes the next ejection shorter again. */
export function decayMultiplier(monitor: HostMonitor, settings: OutlierDetection, now: number): void {
  const { standing } = monitor;
  if (standing.kind !== 'back' || monitor.ejectionMultiplier === 0) return;
  if (now - standing.since >= settings.intervalMs) monitor.ejectionMultiplier -= 1;
}
