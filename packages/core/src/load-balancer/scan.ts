import type { EndpointView } from '../cluster-view.js';

/** The index of the first endpoint from `start` on, wrapping, that is not removed; -1 when all are. */
export function scanFrom(endpoints: readonly EndpointView[], start: number): number {
  const count = endpoints.length;
  for (let step = 0, index = start; step < count; step += 1) {
    if (!endpoints[index]!.state.removed) return index;
    index = index + 1 === count ? 0 : index + 1;
  }
  return -1;
}

export function weightsAreEqual(endpoints: readonly EndpointView[]): boolean {
  return endpoints.every((view) => view.endpoint.weight === endpoints[0]!.endpoint.weight);
}

/** What may be picked outside panic. */
export function isHealthy({ endpoint, host }: EndpointView): boolean {
  return endpoint.health === 'healthy' && !host.ejected;
}
