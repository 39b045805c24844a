import { labels, namespaceName, objectName, port } from './checks.js';
import {
  anything,
  type Check,
  checked,
  flag,
  integer,
  list,
  type ObjectOf,
  object,
  oneOf,
  required,
  type TypeOf,
  text,
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

const serviceSpec = object({
  type: oneOf('ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'),
  clusterIP: text(),
  clusterIPs: list(text()),
  externalName: text(),
  ports: list(servicePort),
  selector: labels,
  ipFamilies: list(oneOf('IPv4', 'IPv6')),
  ipFamilyPolicy: anything,
  // The cluster acts on it when it writes the EndpointSlices.
  publishNotReadyAddresses: flag,
  trafficDistribution: oneOf('PreferClose', 'PreferSameZone', 'PreferSameNode'),
  sessionAffinity: anything,
  sessionAffinityConfig: anything,
  internalTrafficPolicy: anything,
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

const endpoint = object({
  addresses: required(list(text())),
  conditions: object({ ready: flag, serving: flag, terminating: flag }),
  hostname: text(),
  nodeName: text(),
  zone: text(),
  targetRef: object({
    kind: text(),
    name: text(),
    namespace: text(),
    apiVersion: text(),
    fieldPath: text(),
    resourceVersion: text(),
    uid: text(),
  }),
  deprecatedTopology: anything,
  hints: object({ forZones: list(hint), forNodes: list(hint) }),
});

export const endpointSliceFields = {
  addressType: required(oneOf('IPv4', 'IPv6', 'FQDN')),
  endpoints: list(endpoint),
  ports: list(object({ name: text(), port, protocol: oneOf('TCP', 'UDP', 'SCTP'), appProtocol: text() })),
};

/** Of a Pod, its labels and its address. */
export const podFields = { spec: anything, status: anything };

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
