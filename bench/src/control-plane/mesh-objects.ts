export interface MeshSize {
  readonly services: number;
  readonly endpointsOfService: number;
}

export interface MeshObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string; readonly labels?: object };
  readonly [field: string]: unknown;
}

export const namespace = 'shop';
const port = 80;

/** What a service is, with its rules. @param weight of v1, in percent */
export function rulesOf(index: number, weight: number): readonly MeshObject[] {
  const name = `s${index}`;
  const metadata = { name, namespace };
  const subsets = ['v1', 'v2'].map((version) => ({ name: version, labels: { version } }));
  return [
    { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [{ name: 'http', port }] } },
    { apiVersion: 'networking.istio.io/v1', kind: 'DestinationRule', metadata, spec: { host: name, subsets } },
    splitOf(index, weight),
  ];
}

/** @param weight of v1, in percent */
export function splitOf(index: number, weight: number): MeshObject {
  const name = `s${index}`;
  const to = (subset: string, part: number) => ({ destination: { host: name, subset }, weight: part });
  const spec = { hosts: [name], http: [{ route: [to('v1', weight), to('v2', 100 - weight)] }] };
  return { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: { name, namespace }, spec };
}

/** @param generation another address of the first endpoint for each */
export function sliceOf(index: number, count: number, generation: number): MeshObject {
  const labels = { 'kubernetes.io/service-name': `s${index}` };
  return {
    ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4' },
    metadata: { name: `s${index}-1`, namespace, labels },
    ports: [{ name: 'http', port: 8080 }],
    endpoints: addressesOf(index, count, generation).map((address, at) => ({
      addresses: [address],
      targetRef: { kind: 'Pod', name: podName(index, at), namespace },
    })),
  };
}

/** The pods behind a slice. */
export function podsOf(index: number, count: number, generation: number): readonly MeshObject[] {
  return addressesOf(index, count, generation).map((podIP, at) => {
    const labels = { app: `s${index}`, version: at % 2 === 0 ? 'v1' : 'v2' };
    return {
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: podName(index, at), namespace, labels } },
      status: { podIP },
    };
  });
}

/** What a client that calls a service subscribes to. */
export function resourcesOf(index: number): Readonly<Record<'cluster' | 'endpoint' | 'listener' | 'route', string[]>> {
  const host = `s${index}.${namespace}.svc.cluster.local`;
  const clusters = ['', 'v1', 'v2'].map((subset) => `outbound|${port}|${subset}|${host}`);
  return { cluster: clusters, endpoint: clusters, listener: [`${host}:${port}`], route: [`${host}:${port}`] };
}

function addressesOf(index: number, count: number, generation: number): string[] {
  const addresses = Array.from({ length: count }, (_, at) => `10.${at}.${index >> 8}.${index & 255}`);
  if (generation > 0) addresses[0] = `11.${generation & 255}.${index >> 8}.${index & 255}`;
  return addresses;
}

function podName(index: number, at: number): string {
  return `s${index}-${at}`;
}
