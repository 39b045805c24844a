import type { Call } from '../call.js';
import type { EndpointView } from '../cluster-view.js';

/** Picks among the endpoints it was made with; a change of endpoints makes a new one. */
export interface LoadBalancer {
  /**
   * Undefined when there is no endpoint that may be picked.
   * @param refused how many picks for this attempt were not wanted: a balancer by key then moves on, as the key alone
   * would give the same endpoint again. Default 0.
   */
  pick(call: Call, refused?: number): EndpointView | undefined;
}
