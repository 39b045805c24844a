import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface MeshSize {
  readonly services: number;
  readonly endpointsOfService: number;
}

const namespace = 'shop';
const port = 80;

/** Writes a folder with two files for each service: what it is with its rules, and where it is. */
export function writeMesh(folder: string, { services, endpointsOfService }: MeshSize): void {
  mkdirSync(folder, { recursive: true });
  for (let index = 0; index < services; index += 1) {
    writeRules(folder, index, 50);
    writeEndpoints(folder, index, endpointsOfService, 0);
  }
}

/** @param weight of v1, in percent */
export function writeRules(folder: string, index: number, weight: number): void {
  const name = `s${index}`;
  const service = { apiVersion: 'v1', kind: 'Service', spec: { ports: [{ name: 'http', port }] } };
  const rule = {
    ...{ apiVersion: 'networking.istio.io/v1', kind: 'DestinationRule' },
    spec: { host: name, subsets: ['v1', 'v2'].map((version) => ({ name: version, labels: { version } })) },
  };
  const split = {
    ...{ apiVersion: 'networking.istio.io/v1', kind: 'VirtualService' },
    spec: { hosts: [name], http: [{ route: [to(name, 'v1', weight), to(name, 'v2', 100 - weight)] }] },
  };
  const objects = [service, rule, split].map((object) => ({ ...object, metadata: { name, namespace } }));
  write(folder, `${name}-rules`, objects);
}

/** @param generation another address of the first endpoint for each */
export function writeEndpoints(folder: string, index: number, count: number, generation: number): void {
  const addresses = Array.from({ length: count }, (_, at) => `10.${at}.${index >> 8}.${index & 255}`);
  if (generation > 0) addresses[0] = `11.${generation & 255}.${index >> 8}.${index & 255}`;
  const labels = { 'kubernetes.io/service-name': `s${index}` };
  const slice = {
    ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4' },
    metadata: { name: `s${index}-1`, namespace, labels },
    ports: [{ name: 'http', port: 8080 }],
    endpoints: addresses.map((address, at) => ({
      addresses: [address],
      targetRef: { kind: 'Pod', name: podName(index, at) },
    })),
  };
  const pods = addresses.map((podIP, at) => ({
    ...{ apiVersion: 'v1', kind: 'Pod' },
    metadata: {
      name: podName(index, at),
      namespace,
      labels: { app: `s${index}`, version: at % 2 === 0 ? 'v1' : 'v2' },
    },
    status: { podIP },
  }));
  write(folder, `s${index}-endpoints`, [slice, ...pods]);
}

/** What a client that calls a service subscribes to. */
export function resourcesOf(index: number): Readonly<Record<'cluster' | 'endpoint' | 'listener' | 'route', string[]>> {
  const host = `s${index}.${namespace}.svc.cluster.local`;
  const clusters = ['', 'v1', 'v2'].map((subset) => `outbound|${port}|${subset}|${host}`);
  return { cluster: clusters, endpoint: clusters, listener: [`${host}:${port}`], route: [`${host}:${port}`] };
}

function to(host: string, subset: string, weight: number) {
  return { destination: { host, subset }, weight };
}

function podName(index: number, at: number): string {
  return `s${index}-${at}`;
}

/** JSON is YAML, too. */
function write(folder: string, name: string, objects: readonly object[]): void {
  writeFileSync(join(folder, `${name}.yaml`), `${objects.map((object) => JSON.stringify(object)).join('\n---\n')}\n`);
}
