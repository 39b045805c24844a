import type { Clock, Random, Timer } from '../clock.js';
import type { ClusterHost } from '../cluster-view.js';
import type { OutlierDetection } from '../model/cluster.js';
import { beginEjection, decayMultiplier, endEjection, isEjectionOver, mayEjectOneMore } from './ejection.js';
import { findOutliers } from './find-outliers.js';
import { HostMonitor } from './host-monitor.js';
import { enforcingPercent, OutlierCounters, type OutlierKind } from './outlier-kind.js';

/** What the detector needs of a cluster's state: it marks the hosts, and tells the balancers by the epoch. */
export interface DetectedCluster {
  readonly hosts: ReadonlyMap<string, ClusterHost>;
  healthEpoch: number;
}

type Sweeper =
  /** Nothing has happened since the last sweep, and nobody is out. */
  { readonly kind: 'idle' } | { readonly kind: 'armed'; readonly timer: Timer } | { readonly kind: 'closed' };

const gatewayTimeout = 504;
const serviceUnavailable = 503;
const internalServerError = 500;

/**
 * Envoy's outlier detection of one cluster (outlier_detection_impl.cc): consecutive failures eject at once, success rate and
 * failure percentage at the sweep, which also lets hosts back in. Hosts are those of the cluster at the moment: one that has
 * left is forgotten, and its ejection with it.
 */
export class OutlierDetector {
  readonly counters = new OutlierCounters();
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #cluster: DetectedCluster;
  #settings: OutlierDetection;
  #sweeper: Sweeper = { kind: 'idle' };

  /** @param clock its timers must not keep a process alive */
  constructor(init: { clock: Clock; random: Random; settings: OutlierDetection; cluster: DetectedCluster }) {
    this.#clock = init.clock;
    this.#random = init.random;
    this.#cluster = init.cluster;
    this.#settings = init.settings;
  }

  /** New settings count from now on; what was learnt stays. */
  set settings(settings: OutlierDetection) {
    this.#settings = settings;
  }

  /** Hosts that are out now. */
  get ejectedHosts(): number {
    let ejected = 0;
    for (const host of this.#cluster.hosts.values()) if (host.ejected) ejected += 1;
    return ejected;
  }

  /**
   * A request was given a connection. Envoy tells of every one, so what fails after that never counts as consecutive
   * failures of local origin.
   */
  onConnected(host: ClusterHost): void {
    if (this.#settings.splitExternalLocalOriginErrors) this.#monitorOf(host)?.recordLocalOrigin(true);
  }

  /** Response headers have come. */
  onReply(host: ClusterHost, httpStatus: number): void {
    const monitor = this.#monitorOf(host);
    if (monitor === undefined) return;
    const { splitExternalLocalOriginErrors: split, errorStatuses } = this.#settings;
    if (errorStatuses === undefined) this.#recordStatus(host, monitor, httpStatus);
    else this.#recordStatus(host, monitor, errorStatuses.includes(httpStatus) ? failedStatus(split) : 200);
  }

  /** No connection, or it broke, before or after the headers. */
  onConnectionFailure(host: ClusterHost): void {
    this.#recordLocalFailure(host, serviceUnavailable);
  }

  /** No response headers in time. */
  onTimeout(host: ClusterHost): void {
    this.#recordLocalFailure(host, gatewayTimeout);
  }

  /** Lets every host back in and stops for good: the cluster is gone, or its detection. */
  close(): void {
    if (this.#sweeper.kind === 'armed') this.#sweeper.timer.cancel();
    this.#sweeper = { kind: 'closed' };
    for (const host of this.#cluster.hosts.values()) {
      host.monitor = undefined;
      if (!host.ejected) continue;
      host.ejected = false;
      this.#cluster.healthEpoch += 1;
    }
  }

  /** Undefined when the host has left the cluster, which a call that is under way may not know. */
  #monitorOf(host: ClusterHost): HostMonitor | undefined {
    if (this.#sweeper.kind === 'closed' || this.#cluster.hosts.get(host.address) !== host) return undefined;
    if (this.#sweeper.kind === 'idle') this.#arm();
    host.monitor ??= new HostMonitor();
    return host.monitor;
  }

  #recordLocalFailure(host: ClusterHost, mappedStatus: number): void {
    const monitor = this.#monitorOf(host);
    if (monitor === undefined) return;
    if (!this.#settings.splitExternalLocalOriginErrors) {
      this.#recordStatus(host, monitor, mappedStatus);
      return;
    }
    monitor.recordLocalOrigin(false);
    if (!isDue(monitor.consecutiveLocalOriginFailures, this.#settings.consecutiveLocalOriginFailure)) return;
    this.#eject(host, monitor, 'consecutive_local_origin_failure');
    monitor.consecutiveLocalOriginFailures = 0;
  }

  /** A count begins anew also when the ejection is not carried out: the next is due after as many failures again. */
  #recordStatus(host: ClusterHost, monitor: HostMonitor, status: number): void {
    monitor.recordStatus(status);
    const { consecutiveGatewayFailure, consecutive5xx } = this.#settings;
    if (isDue(monitor.consecutiveGatewayFailures, consecutiveGatewayFailure)) {
      this.#eject(host, monitor, 'consecutive_gateway_failure');
      monitor.consecutiveGatewayFailures = 0;
    }
    if (isDue(monitor.consecutive5xx, consecutive5xx)) {
      this.#eject(host, monitor, 'consecutive_5xx');
      monitor.consecutive5xx = 0;
    }
  }

  #eject(host: ClusterHost, monitor: HostMonitor, kind: OutlierKind): void {
    if (host.ejected) return;
    this.counters.detected[kind] += 1;
    if (!mayEjectOneMore(this.#settings, this.ejectedHosts, this.#cluster.hosts.size)) {
      this.counters.overflow += 1;
      return;
    }
    if (!this.#isEnforced(kind)) return;
    this.counters.enforcedTotal += 1;
    this.counters.enforced[kind] += 1;
    beginEjection(monitor, this.#settings, this.#clock.now(), this.#random);
    host.ejected = true;
    this.#cluster.healthEpoch += 1;
  }

  #isEnforced(kind: OutlierKind): boolean {
    const percent = enforcingPercent(this.#settings, kind);
    if (percent <= 0 || percent >= 100) return percent > 0;
    return this.#random() * 100 < percent;
  }

  #arm(): void {
    const timer = this.#clock.setTimer(this.#settings.intervalMs, () => this.#sweep());
    this.#sweeper = { kind: 'armed', timer };
  }

  #sweep(): void {
    const now = this.#clock.now();
    const { hosts } = this.#cluster;
    this.#letBackIn(now);
    for (const origin of ['external', 'local'] as const)
      for (const { host, monitor, kind } of findOutliers(origin, hosts, this.#settings))
        this.#eject(host, monitor, kind);
    let busy = false;
    for (const { monitor, ejected } of hosts.values()) {
      if (monitor === undefined) continue;
      decayMultiplier(monitor, this.#settings, now);
      if (ejected || monitor.ejectionMultiplier > 0 || monitor.external.total > 0 || monitor.local.total > 0)
        busy = true;
      monitor.external.reset();
      monitor.local.reset();
    }
    if (busy) this.#arm();
    else this.#sweeper = { kind: 'idle' };
  }

  #letBackIn(now: number): void {
    for (const host of this.#cluster.hosts.values()) {
      const { monitor } = host;
      if (monitor === undefined || !isEjectionOver(monitor, this.#settings, now)) continue;
      endEjection(monitor, now);
      host.ejected = false;
      this.#cluster.healthEpoch += 1;
    }
  }
}

/** At a threshold of zero nothing is ever due. */
function isDue(failures: number, threshold: number): boolean {
  return threshold > 0 && failures >= threshold;
}

/** Envoy reports a matched error response as this; split, it is a gateway failure too. */
function failedStatus(split: boolean): number {
  return split ? serviceUnavailable : internalServerError;
}
