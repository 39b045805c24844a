import type { Call } from '../call.js';
import type { EndpointView } from '../cluster-view.js';
import type { LoadBalancer } from './load-balancer.js';

/**
 * Picks, and picks again up to `maxAttempts` times while the pick was tried before; then the last pick is used (Envoy
 * `host_selection_retry_max_attempts` with the previous-hosts predicate).
 */
export function pickUntried(balancer: LoadBalancer, call: Call, maxAttempts: number): EndpointView | undefined {
  let pick = balancer.pick(call);
  const tried = call.triedEndpoints;
  if (tried === undefined) return pick;
  for (let left = maxAttempts; left > 0 && pick !== undefined && wasTried(tried, pick); left -= 1) {
    pick = balancer.pick(call);
  }
  return pick;
}

/** By state and not by view: the same address has another view in every snapshot. */
function wasTried(tried: readonly EndpointView[], pick: EndpointView): boolean {
  for (const view of tried) if (view.state === pick.state) return true;
  return false;
}
