import type { Random } from '../clock.js';

/** Route default of Envoy: base 25 ms, cap ten times the base (route_components.proto `RetryBackOff`). */
export const defaultBackoff = { baseMs: 25, maxMs: 250 } as const;

/**
 * Full jitter as Envoy does it: uniform in [0, min((2^retry - 1) * base, max)).
 * @param retry 1 for the first retry
 */
export function backoffDelayMs(settings: { baseMs: number; maxMs: number }, retry: number, random: Random): number {
  const ceiling = Math.min((2 ** Math.min(retry, 30) - 1) * settings.baseMs, settings.maxMs);
  return random() * ceiling;
}
