import type { Clock } from '../clock.js';
import type { ClusterHost, EndpointView } from '../cluster-view.js';
import type { SlowStart } from '../model/cluster.js';

/**
 * What the weight of an endpoint is multiplied by while it is new (Envoy `applySlowStartFactor`): from
 * max(minimum, (1 ms / window) ^ (1 / aggression)) up to 1 at the end of the window. The endpoints that a cluster begins
 * with are as new as the others.
 */
export class SlowStartFactor {
  constructor(
    private readonly settings: SlowStart,
    private readonly clock: Clock,
  ) {}

  of(host: ClusterHost): number {
    const { windowMs, aggression, minWeightPercent } = this.settings;
    const age = this.clock.now() - host.addedAt;
    if (age >= windowMs) return 1;
    const time = Math.max(1, age) / windowMs;
    return Math.max(aggression === 1 ? time : time ** (1 / aggression), minWeightPercent / 100);
  }

  appliesTo(endpoints: readonly EndpointView[]): boolean {
    const since = this.clock.now() - this.settings.windowMs;
    return endpoints.some(({ host }) => host.addedAt > since);
  }
}
