import { labels, namespaceName, objectName, port } from './checks.js';
import {
  anything,
  type Check,
  checked,
  flag,
  ignored,
  integer,
  list,
  type ObjectOf,
  object,
  oneOf,
  required,
  type TypeOf,
  text,
  unneeded,
  words,
} from './field.js';

// Kubernetes 1.33, the kinds that tell of services. Fields that say nothing of where a call goes are taken as they are:
// objects come as the cluster wrote them, and a warning for each of its own fields would drown the others.

/** The name is that of a container's port. */
const numberOrNameOfPort: Check<unknown> = (value) => {
  if (typeof value === 'string' && value !== '') return undefined;
  const isNumber = typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65_535;
  return isNumber ? undefined : 'should be a number from 1 to 65535, or the name of a port';
};

const servicePort = object({
  name: text(),
  port: required(port),
  protocol: oneOf('TCP', 'UDP', 'SCTP'),
  appProtocol: text(),
  targetPort: checked<number | string>(numberOrNameOfPort),
  nodePort: anything,
});

const forTheCluster = 'the cluster acts on it when it writes the EndpointSlices';

const serviceSpec = object({
  type: oneOf('ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'),
  clusterIP: text(),
  clusterIPs: list(text()),
  externalName: text(),
  ports: list(servicePort),
  selector: unneeded(forTheCluster, labels),
  ipFamilies: list(oneOf('IPv4', 'IPv6')),
  ipFamilyPolicy: anything,
  publishNotReadyAddresses: unneeded(forTheCluster, flag),
  trafficDistribution: oneOf('PreferClose', 'PreferSameZone', 'PreferSameNode'),
  // A DestinationRule's consistentHash says the same to a mesh.
  sessionAffinity: words({ None: undefined, ClientIP: ignored('requests of one client go to any endpoint') }),
  sessionAffinityConfig: unneeded('it is a part of sessionAffinity', anything),
  internalTrafficPolicy: oneOf('Cluster', 'Local'),
  externalTrafficPolicy: anything,
  externalIPs: anything,
  healthCheckNodePort: anything,
  allocateLoadBalancerNodePorts: anything,
  loadBalancerClass: anything,
  loadBalancerIP: anything,
  loadBalancerSourceRanges: anything,
});

export const serviceFields = { spec: required(serviceSpec) };

/** The name of a zone or a Node. */
const hint = object({ name: required(text()) });

const byName = 'the Pod is found by its name';

const endpoint = object({
  addresses: required(list(text())),
  conditions: object({ ready: flag, serving: flag, terminating: flag }),
  hostname: unneeded('calls are made to the address', text()),
  nodeName: text(),
  zone: text(),
  targetRef: object({
    kind: text(),
    name: text(),
    namespace: text(),
    apiVersion: unneeded(byName, text()),
    fieldPath: unneeded(byName, text()),
    resourceVersion: unneeded(byName, text()),
    uid: unneeded(byName, text()),
  }),
  deprecatedTopology: anything,
  hints: object({ forZones: list(hint), forNodes: list(hint) }),
});

export const endpointSliceFields = {
  addressType: required(oneOf('IPv4', 'IPv6', 'FQDN')),
  endpoints: list(endpoint),
  ports: list(
    object({
      name: text(),
      port,
      protocol: oneOf('TCP', 'UDP', 'SCTP'),
      appProtocol: unneeded('that of the Service counts', text()),
    }),
  ),
};

/**
 * Of a Pod, its labels, its service account (`spec.serviceAccountName`) and its addresses (`status.podIP`, `status.podIPs`),
 * wherever else it is wrong.
 */
export const podFields = { spec: checked<unknown>(() => undefined), status: checked<unknown>(() => undefined) };

/** Of a Node, the labels that say where it is. */
export const nodeFields = { spec: anything };

export const metadata = object({
  name: objectName,
  namespace: namespaceName,
  labels,
  annotations: labels,
  creationTimestamp: text(),
  ownerReferences: list(
    object({
      apiVersion: text(),
      kind: text(),
      name: text(),
      uid: text(),
      controller: flag,
      blockOwnerDeletion: flag,
    }),
  ),
  generateName: text(),
  uid: text(),
  resourceVersion: text(),
  generation: integer(0, Number.MAX_SAFE_INTEGER),
  deletionTimestamp: text(),
  deletionGracePeriodSeconds: anything,
  finalizers: anything,
  managedFields: anything,
  selfLink: anything,
});

export type Metadata = TypeOf<typeof metadata>;
export type Service = ObjectOf<typeof serviceFields>;
export type ServicePort = TypeOf<typeof servicePort>;
export type EndpointSlice = ObjectOf<typeof endpointSliceFields>;
export type SliceEndpoint = TypeOf<typeof endpoint>;
