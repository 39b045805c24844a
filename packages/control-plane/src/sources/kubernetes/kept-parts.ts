import { readAnnotations } from '@inmesh/config';
import type { ObjectMeta } from '../../kubernetes/client/objects.js';
import type { ClusterObject } from './cluster-object.js';
import { isRecord } from './records.js';

type Fields = Readonly<Record<string, unknown>>;

const serviceFields = [
  ...['type', 'clusterIP', 'clusterIPs', 'externalName', 'ipFamilies', 'ports'],
  ...['trafficDistribution', 'sessionAffinity', 'internalTrafficPolicy'],
];
const portFields = ['name', 'port', 'protocol', 'appProtocol', 'targetPort'];
const endpointFields = ['addresses', 'nodeName', 'zone'];
const nodeLabels = ['topology.kubernetes.io/region', 'topology.kubernetes.io/zone', 'topology.istio.io/subzone'];

/** All but labels and notes, of which kubectl's own is as long as the object itself. */
export function wholeObject(object: ClusterObject): ClusterObject {
  return { ...object, metadata: metadataOf(object.metadata) };
}

/**
 * Of a Service what is read of it. A newer Kubernetes may have fields that nobody here knows, and they must not be taken for
 * mistakes of its owner.
 */
export function keptOfService({ apiVersion, kind, metadata, spec }: ClusterObject): ClusterObject {
  const { ports, ...fields } = pick(recordOf(spec), serviceFields);
  const kept = { ...fields, ports: listOf(ports).map((port) => pick(port, portFields)) };
  return { apiVersion, kind, metadata: metadataOf(metadata), spec: kept };
}

/** As of a Service. */
export function keptOfSlice({
  apiVersion,
  kind,
  metadata,
  addressType,
  ports,
  endpoints,
}: ClusterObject): ClusterObject {
  return {
    ...{ apiVersion, kind, addressType },
    metadata: { ...idOf(metadata), labels: labelsOf(metadata, ['kubernetes.io/service-name']) },
    ports: listOf(ports).map((port) => pick(port, ['name', 'port', 'protocol'])),
    endpoints: listOf(endpoints).map((endpoint) => ({
      ...pick(endpoint, endpointFields),
      conditions: pick(recordOf(endpoint.conditions), ['ready', 'serving', 'terminating']),
      ...(isRecord(endpoint.hints) && { hints: pick(endpoint.hints, ['forZones', 'forNodes']) }),
      ...(isRecord(endpoint.targetRef) && { targetRef: pick(endpoint.targetRef, ['kind', 'name', 'namespace']) }),
    })),
  };
}

/** Nothing of a Pod that has ended: its address may be another's already. */
export function keptOfPod({ apiVersion, kind, metadata, spec, status }: ClusterObject): ClusterObject | undefined {
  const { phase } = recordOf(status);
  if (phase === 'Succeeded' || phase === 'Failed') return undefined;
  const { ownerReferences } = metadata as ObjectMeta & { readonly ownerReferences?: unknown };
  const owners = listOf(ownerReferences).filter(({ controller }) => controller === true);
  const kept = {
    ...{ ...idOf(metadata), ...pick(metadata, ['labels']) },
    ownerReferences: owners.map((owner) => pick(owner, ['kind', 'name', 'controller'])),
  };
  return {
    ...{ apiVersion, kind, metadata: kept },
    spec: pick(recordOf(spec), ['serviceAccountName', 'nodeName']),
    status: pick(recordOf(status), ['podIP', 'podIPs']),
  };
}

/** Of a ConfigMap the certificates that a BackendTLSPolicy means. */
export function keptOfConfigMap({ apiVersion, kind, metadata, data }: ClusterObject): ClusterObject {
  return { ...{ apiVersion, kind, metadata: idOf(metadata) }, data: pick(recordOf(data), ['ca.crt']) };
}

/** Where it is. */
export function keptOfNode({ apiVersion, kind, metadata }: ClusterObject): ClusterObject {
  return { apiVersion, kind, metadata: { ...idOf(metadata), labels: labelsOf(metadata, nodeLabels) } };
}

function metadataOf(metadata: ObjectMeta): ObjectMeta {
  const { annotations = {} } = metadata;
  const kept = Object.entries(annotations).filter(([name]) => readAnnotations.includes(name));
  const notes = kept.length > 0 && { annotations: Object.fromEntries(kept) };
  return { ...idOf(metadata), ...pick(metadata, ['generation', 'uid']), ...notes };
}

function idOf(metadata: ObjectMeta): ObjectMeta {
  return { name: metadata.name, ...pick(metadata, ['namespace', 'creationTimestamp', 'resourceVersion']) };
}

function labelsOf({ labels = {} }: ObjectMeta, names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => names.includes(name)));
}

function pick<From extends object>(from: From, names: readonly (keyof From)[]): Partial<From> {
  const kept: Partial<From> = {};
  for (const name of names) if (from[name] !== undefined) kept[name] = from[name];
  return kept;
}

function recordOf(value: unknown): Fields {
  return isRecord(value) ? value : {};
}

function listOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}
