import type { Client } from '../client.js';
import { ownValue } from '../own-value.js';
import { groupEndpoints, type LocalityGroup } from './locality-groups.js';
import { type LocalityMode, topologyLabels } from './locality-settings.js';
import type { Locality, MeshEndpoint } from './mesh-service.js';

type Failover = Extract<LocalityMode, { kind: 'failover' }>;

/** The endpoints of a cluster by locality, with the weights and priorities that they have for this client. */
export function placeEndpoints(
  endpoints: readonly MeshEndpoint[],
  mode: LocalityMode,
  client: Client,
): LocalityGroup[] {
  switch (mode.kind) {
    case 'off':
      return groupEndpoints(endpoints);
    case 'distribute':
      return distribute(groupEndpoints(endpoints), mode.rules, client);
    case 'failover':
      return groupEndpoints(endpoints, (endpoint) => failoverRank(endpoint, mode, client));
    case 'hints':
      return groupEndpoints(endpoints, hintRanks(endpoints, client) ?? rankOf(mode.otherwise, client));
  }
}

function rankOf(mode: LocalityMode, client: Client): ((endpoint: MeshEndpoint) => number) | undefined {
  return mode.kind === 'failover' ? (endpoint) => failoverRank(endpoint, mode, client) : undefined;
}

/**
 * By the first rule for the client's locality: a target's weight is shared out to the localities that it matches by their
 * own weights, rounded up, and what no target matches gets nothing (Istio `applyLocalityWeights`).
 */
function distribute(
  groups: LocalityGroup[],
  rules: Extract<LocalityMode, { kind: 'distribute' }>['rules'],
  client: Client,
): LocalityGroup[] {
  const { locality } = client;
  const rule = rules.find(({ from }) => matchesLocality(locality, from));
  if (rule === undefined) return groups;
  const left = new Set(groups);
  const placed: LocalityGroup[] = [];
  for (const [pattern, weight] of Object.entries(rule.to)) {
    const matched = [...left].filter((group) =>
      matchesLocality({ ...group.locality, region: regionOf(group.locality, locality) }, pattern),
    );
    const total = matched.reduce((sum, group) => sum + group.weight, 0);
    for (const group of matched) {
      left.delete(group);
      placed.push({ ...group, weight: Math.ceil((group.weight * weight) / total) });
    }
  }
  return groups.flatMap((group) => placed.find(({ endpoints }) => endpoints === group.endpoints) ?? []);
}

/** `*`, or as many parts as are written; `*` stands for any part. */
function matchesLocality({ region, zone, subZone }: Locality, pattern: string): boolean {
  const has = [region, zone, subZone];
  return pattern.split('/').every((part, index) => part === '*' || part === has[index]);
}

/** Five ranks by locality below each rank by labels (Istio `applyFailoverPriorities`, `applyLocalityFailover`). */
function failoverRank(endpoint: MeshEndpoint, { labels, regions }: Failover, client: Client): number {
  if (labels.length === 0) return localityRank(endpoint.locality, regions, client.locality);
  const byLabels = labelRank(endpoint, labels, client);
  return regions.length === 0 ? byLabels : 5 * byLabels + localityRank(endpoint.locality, regions, client.locality);
}

/** 0 for the same sub-zone, then zone, region, another region, and a region that is not the one to fail over to. */
function localityRank(locality: Locality, regions: Failover['regions'], client: Locality): number {
  if (regionOf(locality, client) === client.region) {
    if (locality.zone !== client.zone) return 2;
    return locality.subZone === client.subZone ? 0 : 1;
  }
  const rule = regions.find(({ from }) => from === client.region);
  return rule === undefined || rule.to === locality.region ? 3 : 4;
}

/** EndpointSlices tell zones without their regions: these are the client's own. */
function regionOf({ region, zone }: Locality, client: Locality): string {
  return region === '' && zone !== '' ? client.region : region;
}

/** The more of the labels, from the first on, are as the client has them, the lower (Istio `failoverPriority`). */
function labelRank(endpoint: MeshEndpoint, labels: readonly string[], client: Client): number {
  // All are asked, so that what the client is told apart by does not depend on the endpoint.
  const wanted = labels.map((written) => wantedOf(written, client));
  const differing = wanted.findIndex(({ label, value }) => endpointValue(endpoint, label, client) !== value);
  return differing < 0 ? 0 : labels.length - differing;
}

/** `label=value` compares with a value of its own, `label` with the client's. */
function wantedOf(written: string, client: Client): { label: string; value: string } {
  const [label = '', value] = written.split('=');
  return { label, value: value ?? clientValue(label, client) };
}

function clientValue(label: string, client: Client): string {
  switch (label) {
    case topologyLabels.region:
      return client.locality.region;
    case topologyLabels.zone:
      return client.locality.zone;
    case topologyLabels.subZone:
      return client.locality.subZone;
    case topologyLabels.node:
      return client.nodeName;
    default:
      return client.label(label) ?? '';
  }
}

function endpointValue({ labels = {}, locality, nodeName }: MeshEndpoint, label: string, client: Client): string {
  switch (label) {
    case topologyLabels.region:
      return regionOf(locality, client.locality);
    case topologyLabels.zone:
      return locality.zone;
    case topologyLabels.subZone:
      return locality.subZone;
    case topologyLabels.node:
      return nodeName ?? '';
    default:
      return ownValue(labels, label) ?? '';
  }
}

/**
 * Hints count only when every endpoint that is ready has one of a kind, and one of them is for this client's Node or zone
 * (Kubernetes, kube-proxy topology.go). Other endpoints stay behind as a reserve, where kube-proxy leaves them out.
 */
function hintRanks(
  endpoints: readonly MeshEndpoint[],
  client: Client,
): ((endpoint: MeshEndpoint) => number) | undefined {
  const ready = endpoints.filter(({ draining }) => !draining);
  const byNode = ready.length > 0 && ready.every(({ hints }) => hints !== undefined && hints.nodes.length > 0);
  const byZone = ready.length > 0 && ready.every(({ hints }) => hints !== undefined && hints.zones.length > 0);
  const forNode = ({ hints }: MeshEndpoint) => byNode && (hints?.nodes.includes(client.nodeName) ?? false);
  const forZone = ({ hints }: MeshEndpoint) => byZone && (hints?.zones.includes(client.locality.zone) ?? false);
  if (!ready.some((endpoint) => forNode(endpoint) || forZone(endpoint))) return undefined;
  return (endpoint) => (forNode(endpoint) ? 0 : forZone(endpoint) ? 1 : 2);
}
