import type { EndpointView } from '../cluster-view.js';

/** The endpoints of one locality in one priority. */
export interface LocalityViews {
  readonly priority: number;
  readonly weight: number;
  readonly endpoints: readonly EndpointView[];
}

/** An endpoint and its share of the traffic, 0 to 1. */
export interface HostWeight {
  readonly view: EndpointView;
  readonly weight: number;
}

/**
 * Shares by weight for ring hash and Maglev (Envoy thread_aware_lb_impl.cc): of a locality by its own weight whatever the
 * state of its endpoints, so that keys stay where they are, and within it by the weights of its endpoints.
 */
export function normalizeWeights(localities: readonly LocalityViews[], byLocality: boolean): HostWeight[] {
  if (!byLocality)
    return sharesOf(
      localities.flatMap(({ endpoints }) => endpoints),
      1,
    );
  const total = localities.reduce((sum, { weight }) => sum + weight, 0);
  return localities.flatMap(({ weight, endpoints }) => (weight === 0 ? [] : sharesOf(endpoints, weight / total)));
}

function sharesOf(endpoints: readonly EndpointView[], share: number): HostWeight[] {
  const total = endpoints.reduce((sum, { endpoint }) => sum + endpoint.weight, 0);
  return endpoints.map((view) => ({ view, weight: (view.endpoint.weight * share) / total }));
}
