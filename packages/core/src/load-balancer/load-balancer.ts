import type { Call } from '../call.js';
import type { EndpointView } from '../cluster-view.js';

/** Picks among the endpoints it was made with; a change of endpoints makes a new one. */
export interface LoadBalancer {
  /** Undefined when there is no endpoint that may be picked. */
  pick(call: Call): EndpointView | undefined;
}
