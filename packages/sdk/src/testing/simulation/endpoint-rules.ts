import type { ClusterView, EndpointView, MeshError } from '@inmesh/core';
import type { SimulatedCall } from './call.js';

const overprovisioningDefault = 140;

interface Health {
  healthy: number;
  total: number;
}

/** What is wrong with sending an attempt to the endpoint; undefined when nothing is. */
export function wrongWithEndpoint(call: SimulatedCall, picked: EndpointView): string | undefined {
  const cluster = call.cluster!;
  const { endpoint, host, state, priority } = picked;
  const { address } = endpoint;
  if (state.removed) return `${address} was removed`;
  if (!isHealthy(picked) && !panics(cluster, priority)) {
    return `${address} is ${host.ejected ? 'ejected' : endpoint.health}, and there is no panic`;
  }
  if (call.attempt === 1 && coveredAbove(cluster, priority) >= 100) {
    return `${address} is of priority ${priority}, and those before it can take everything`;
  }
  return wasTriedInVain(call, picked) ? `${address} was tried before, and another was not` : undefined;
}

/** What is wrong with a call that found no endpoint; undefined when nothing is, or when the call failed for another reason. */
export function wrongWithNoEndpoint({ cluster }: SimulatedCall, error: MeshError | undefined): string | undefined {
  if (error?.reason !== 'no_healthy_upstream' || cluster === undefined) return undefined;
  const { panicThresholdPercent, name } = cluster.cluster;
  if (mayHaveNoPlace(cluster)) return undefined;
  const left = cluster.endpoints.filter(({ state }) => !state.removed);
  if (left.some(isHealthy)) return `${name} had a healthy endpoint that was not found`;
  return left.length > 0 && panicThresholdPercent > 0 ? `${name} did not panic` : undefined;
}

/** Localities without a weight are on no ring and in no table. */
export function mayHaveNoPlace({ cluster: { loadBalancer, localityWeighted } }: ClusterView): boolean {
  return localityWeighted && (loadBalancer.kind === 'ringHash' || loadBalancer.kind === 'maglev');
}

export function isHealthy({ endpoint, host }: EndpointView): boolean {
  return endpoint.health === 'healthy' && !host.ejected;
}

function panics(cluster: ClusterView, priority: number): boolean {
  if (coveredAbove(cluster, Number.POSITIVE_INFINITY) >= 100) return false;
  const { healthy, total } = healthByPriority(cluster).get(priority)!;
  return (100 * healthy) / total < cluster.cluster.panicThresholdPercent;
}

/** The percent of the traffic that the priorities before this one can take. */
function coveredAbove(cluster: ClusterView, priority: number): number {
  const factor = cluster.overprovisioningPercent ?? overprovisioningDefault;
  let covered = 0;
  for (const [level, { healthy, total }] of healthByPriority(cluster)) {
    if (level < priority) covered += Math.min(100, Math.floor((factor * healthy) / total));
  }
  return covered;
}

function healthByPriority({ endpoints }: ClusterView): Map<number, Health> {
  const levels = new Map<number, Health>();
  for (const view of endpoints) {
    const level = levels.get(view.priority) ?? { healthy: 0, total: 0 };
    level.total += 1;
    if (isHealthy(view)) level.healthy += 1;
    levels.set(view.priority, level);
  }
  return levels;
}

function wasTriedInVain({ cluster, triedEndpoints, action }: SimulatedCall, picked: EndpointView): boolean {
  if (triedEndpoints === undefined || action?.retry?.hostSelectionAttempts === 0) return false;
  const tried = new Set(triedEndpoints.map(({ state }) => state));
  if (!tried.has(picked.state)) return false;
  return cluster!.endpoints.some((view) => isHealthy(view) && !view.state.removed && !tried.has(view.state));
}
