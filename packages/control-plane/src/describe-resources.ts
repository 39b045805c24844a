import type { MeshResources, RouteConfiguration } from '@inmesh/core';
import { EndpointCount } from './endpoint-count.js';

/**
 * E.g. `4 listeners 5 routes 7 clusters 6 endpoints`. Routes are rules, endpoints those that are not left to DNS.
 * @param count of the resources before, if there were some
 */
export function describeResources(resources: MeshResources, count = new EndpointCount()): string {
  const { listeners, clusters } = resources;
  const counts = { listeners: listeners.size, routes: countRoutes(resources), clusters: clusters.size };
  return Object.entries({ ...counts, endpoints: count.of(resources) })
    .map(([what, count]) => `${count} ${what}`)
    .join(' ');
}

function countRoutes({ listeners, routes }: MeshResources): number {
  const inListeners = [...listeners.values()].flatMap(({ routes: own }) => (typeof own === 'string' ? [] : [own]));
  return sum([...routes.values(), ...inListeners].map(rulesOf));
}

function rulesOf({ virtualHosts }: RouteConfiguration): number {
  return sum(virtualHosts.map(({ routes }) => routes.length));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
