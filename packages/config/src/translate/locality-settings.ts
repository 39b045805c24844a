import type { LocalityLbSetting } from '../schema/destination-rule.js';
import type { MeshService } from './mesh-service.js';
import type { ClusterPolicy } from './traffic-policy.js';

/** How the endpoints of a cluster are told apart by where they are. */
export type LocalityMode =
  | { readonly kind: 'off' }
  | { readonly kind: 'distribute'; readonly rules: NonNullable<LocalityLbSetting['distribute']> }
  | {
      readonly kind: 'failover';
      /** Where they are given, endpoints are ranked by these labels first, and by `regions` only where some are given. */
      readonly labels: readonly string[];
      readonly regions: NonNullable<LocalityLbSetting['failover']>;
    }
  /** What the cluster itself allotted to zones and Nodes comes first. */
  | { readonly kind: 'hints'; readonly otherwise: LocalityMode };

const off: LocalityMode = { kind: 'off' };

/** On a Service or a ServiceEntry, as `spec.trafficDistribution` of a Service (Istio). */
export const trafficDistributionAnnotation = 'networking.istio.io/traffic-distribution';

/** Istio's names for labels that say where a workload is. */
export const topologyLabels = {
  region: 'topology.kubernetes.io/region',
  zone: 'topology.kubernetes.io/zone',
  subZone: 'topology.istio.io/subzone',
  node: 'kubernetes.io/hostname',
} as const;

const nearest = [topologyLabels.region, topologyLabels.zone, topologyLabels.subZone];

/**
 * A setting of the rule, else the Service's `trafficDistribution`, else Istio's default for the mesh, fail-over by
 * locality. Without outlier detection no endpoint would ever be found unhealthy, so it is what fail-over needs; a
 * trafficDistribution asks for near endpoints in any case (Istio `GetLocalityLbSetting`).
 */
export function localityModeOf({ loadBalancer, outlierDetection }: ClusterPolicy, service: MeshService): LocalityMode {
  const setting = loadBalancer?.localityLbSetting;
  const ofMesh: LocalityMode = outlierDetection === undefined ? off : { kind: 'failover', labels: [], regions: [] };
  if (setting === undefined) return { kind: 'hints', otherwise: ofService(service) ?? ofMesh };
  if (setting.enabled === false) return off;
  if (setting.distribute !== undefined) return { kind: 'distribute', rules: setting.distribute };
  if (outlierDetection === undefined) return off;
  return { kind: 'failover', labels: setting.failoverPriority ?? [], regions: setting.failover ?? [] };
}

function ofService({ trafficDistribution }: MeshService): LocalityMode | undefined {
  switch (trafficDistribution) {
    case 'PreferClose':
    case 'PreferSameZone':
      return { kind: 'failover', labels: nearest, regions: [] };
    case 'PreferSameNode':
      return { kind: 'failover', labels: [...nearest, topologyLabels.node], regions: [] };
    default:
      return undefined;
  }
}

/** Whether the weights of localities count: otherwise they would only blur the balancer's own choice (Istio). */
export function weighsLocalities(mode: LocalityMode): boolean {
  switch (mode.kind) {
    case 'distribute':
      return true;
    case 'failover':
      return mode.labels.length > 0 || mode.regions.length > 0;
    case 'hints':
      return weighsLocalities(mode.otherwise);
    case 'off':
      return false;
  }
}
