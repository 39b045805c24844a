import type { PortTrafficPolicy, Subset, TrafficPolicy } from '../schema/destination-rule.js';
import type { BackendTls } from './backend-tls/backend-tls.js';

/** What a cluster is made by. */
export type ClusterPolicy = Pick<
  TrafficPolicy,
  'loadBalancer' | 'connectionPool' | 'outlierDetection' | 'retryBudget' | 'tls'
> & {
  /** Of a BackendTLSPolicy; never beside `tls`. */
  readonly backendTls?: BackendTls;
};

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

/** What a DestinationRule says of TLS goes before a BackendTLSPolicy, which fills in what it leaves out (as Istio has it). */
export function withBackendTls(policy: ClusterPolicy, backendTls: BackendTls | undefined): ClusterPolicy {
  return backendTls === undefined || policy.tls !== undefined ? policy : { ...policy, backendTls };
}

function portSettings(policy: TrafficPolicy | undefined, port: number): PortTrafficPolicy | undefined {
  return policy?.portLevelSettings?.find((settings) => settings.port.number === port);
}

function retryBudgetOf(policy: TrafficPolicy | PortTrafficPolicy | undefined): TrafficPolicy['retryBudget'] {
  return policy !== undefined && 'retryBudget' in policy ? policy.retryBudget : undefined;
}
