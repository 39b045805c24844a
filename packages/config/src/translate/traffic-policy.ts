import type { PortTrafficPolicy, Subset, TrafficPolicy } from '../schema/destination-rule.js';

/** What a cluster is made by. */
export type ClusterPolicy = Pick<
  TrafficPolicy,
  'loadBalancer' | 'connectionPool' | 'outlierDetection' | 'retryBudget' | 'tls'
>;

/**
 * The policy of a port: settings of the port replace those of the rule instead of adding to them, and what a subset gives
 * replaces, field by field, what the rule gives (Istio `MergeSubsetTrafficPolicy`).
 */
export function policyFor(rule: TrafficPolicy | undefined, subset: Subset | undefined, port: number): ClusterPolicy {
  const ofRule = portSettings(rule, port) ?? rule;
  const ofSubset = subset?.trafficPolicy;
  // Of a port's own settings the fields that are not given are back at their defaults.
  const ofSubsetPort = portSettings(ofSubset, port);
  if (ofSubsetPort !== undefined) return { ...ofSubsetPort, retryBudget: retryBudgetOf(ofRule) };
  return {
    loadBalancer: ofSubset?.loadBalancer ?? ofRule?.loadBalancer,
    connectionPool: ofSubset?.connectionPool ?? ofRule?.connectionPool,
    outlierDetection: ofSubset?.outlierDetection ?? ofRule?.outlierDetection,
    tls: ofSubset?.tls ?? ofRule?.tls,
    retryBudget: ofSubset?.retryBudget ?? retryBudgetOf(ofRule),
  };
}

function portSettings(policy: TrafficPolicy | undefined, port: number): PortTrafficPolicy | undefined {
  return policy?.portLevelSettings?.find((settings) => settings.port.number === port);
}

function retryBudgetOf(policy: TrafficPolicy | PortTrafficPolicy | undefined): TrafficPolicy['retryBudget'] {
  return policy !== undefined && 'retryBudget' in policy ? policy.retryBudget : undefined;
}
