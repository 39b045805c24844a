import type { ObjectMeta } from './resource-path.js';

export interface ServicePort {
  readonly name?: string;
  readonly port: number;
  readonly targetPort?: number | string;
  readonly protocol?: 'TCP' | 'UDP';
  readonly appProtocol?: string;
}

export interface ServiceOptions {
  readonly ports?: readonly ServicePort[];
  /** As Kubernetes has it; `{ clusterIP: 'None' }` is headless. */
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly meta?: Partial<ObjectMeta>;
}

export function service(namespace: string, name: string, { ports = [], spec, meta }: ServiceOptions = {}) {
  const metadata = { ...meta, name, namespace };
  return { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports, selector: { app: name }, ...spec } };
}

export interface SliceEndpoint {
  readonly address: string;
  /** Default true, and so is `serving`. */
  readonly ready?: boolean;
  readonly serving?: boolean;
  /** Default false. */
  readonly terminating?: boolean;
  readonly zone?: string;
  /** Zones whose clients it is for. */
  readonly forZones?: readonly string[];
  readonly nodeName?: string;
  /** As a StatefulSet's pods have it. */
  readonly hostname?: string;
  /** The name of its pod. */
  readonly pod?: string;
}

export interface SliceOptions {
  /** Default: the service's name and `-1`. */
  readonly name?: string;
  readonly ports: readonly ServicePort[];
  readonly endpoints: readonly SliceEndpoint[];
  /** Default `IPv4`. */
  readonly addressType?: 'IPv4' | 'IPv6' | 'FQDN';
}

/** As the controller of Kubernetes writes it for a service. */
export function endpointSlice(namespace: string, of: string, options: SliceOptions) {
  const { name = `${of}-1`, ports, endpoints, addressType = 'IPv4' } = options;
  const labels = {
    'kubernetes.io/service-name': of,
    'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
  };
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace, labels },
    addressType,
    ports: ports.map(({ name = '', port, protocol = 'TCP', appProtocol }) => ({ name, port, protocol, appProtocol })),
    endpoints: endpoints.map((endpoint) => sliceEndpoint(namespace, endpoint)),
  };
}

function sliceEndpoint(namespace: string, endpoint: SliceEndpoint) {
  const { address, ready = true, serving = ready, terminating = false, forZones, pod, ...rest } = endpoint;
  return {
    ...rest,
    addresses: [address],
    conditions: { ready, serving, terminating },
    ...(forZones && { hints: { forZones: forZones.map((name) => ({ name })) } }),
    ...(pod && { targetRef: { kind: 'Pod', name: pod, namespace } }),
  };
}

export interface PodOptions {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly nodeName?: string;
  /** Default `default`. */
  readonly serviceAccountName?: string;
  /** Of its spec, beside these. */
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** Without a node it waits for one and is deleted at once; with one it is deleted when its grace period is over. */
export function pod(namespace: string, name: string, { labels, annotations, spec, ...rest }: PodOptions = {}) {
  const metadata = { name, namespace, labels, annotations };
  const containers = [{ name: 'main', image: 'example.test/main' }];
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers, ...rest, ...spec } };
}

/** As a kubelet reports a pod that runs. */
export function runningPod(namespace: string, name: string, { ip, ready = true }: { ip: string; ready?: boolean }) {
  const status = {
    phase: 'Running',
    podIP: ip,
    podIPs: [{ ip }],
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
  };
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace }, status };
}

export function node(name: string, { region, zone }: { readonly region?: string; readonly zone?: string } = {}) {
  const labels = {
    ...(region && { 'topology.kubernetes.io/region': region }),
    ...(zone && { 'topology.kubernetes.io/zone': zone }),
  };
  return { apiVersion: 'v1', kind: 'Node', metadata: { name, labels } };
}

export function namespace(name: string, labels: Readonly<Record<string, string>> = {}) {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}

export function serviceAccount(namespace: string, name: string) {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } };
}
