import type { Call } from '../call.js';
import type { EndpointView } from '../cluster-view.js';
import type { LoadBalancer } from './load-balancer.js';
import { isHealthy } from './scan.js';

/**
 * Picks, and picks again up to `maxAttempts` times while the pick was tried before (Envoy's previous-hosts predicate with
 * `host_selection_retry_max_attempts`). Where Envoy would then use the last pick, an endpoint that was not tried is looked
 * for first: with two endpoints, six draws in a row miss the other one in one retry of 64.
 */
export function pickUntried(balancer: LoadBalancer, call: Call, maxAttempts: number): EndpointView | undefined {
  let pick = balancer.pick(call);
  const tried = call.triedEndpoints;
  if (tried === undefined || maxAttempts === 0) return pick;
  for (let refused = 1; refused <= maxAttempts; refused += 1) {
    if (pick === undefined || !wasTried(tried, pick)) return pick;
    pick = balancer.pick(call, refused);
  }
  return pick === undefined || !wasTried(tried, pick) ? pick : (firstUntried(tried, call, pick) ?? pick);
}

/** One of the priority of the pick, else one of the first priority that has any. */
function firstUntried(
  tried: readonly EndpointView[],
  { cluster }: Call,
  { priority }: EndpointView,
): EndpointView | undefined {
  const untried = cluster?.endpoints.filter((view) => isHealthy(view) && !view.state.removed && !wasTried(tried, view));
  return untried?.find((view) => view.priority === priority) ?? untried?.[0];
}

/** By state and not by view: the same address has another view in every snapshot. */
function wasTried(tried: readonly EndpointView[], pick: EndpointView): boolean {
  for (const view of tried) if (view.state === pick.state) return true;
  return false;
}
