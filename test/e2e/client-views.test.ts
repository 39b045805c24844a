import { startControlPlane } from '@inmesh/control-plane';
import { createMesh, type Mesh, type MeshOptions } from 'inmesh';
import { describe, expect, it } from 'vitest';
import { type Backend, startBackend } from '../support/backends.js';
import { ConfigFolder, serviceYaml } from '../support/config-folder.js';
import { keep } from '../support/keep.js';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** A subset for each namespace, and a rule that only the one namespace sees. */
function rules(web: string, other: string): string {
  const rule = (namespace: string, version: string) => `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews, namespace: ${namespace} }
spec:
  host: reviews.default.svc.cluster.local
  exportTo: ['.']
  subsets: [{ name: mine, labels: { version: ${version} } }]
`;
  return `${rule('web', web)}${rule('other', other)}${rule('default', 'v1')}---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews, namespace: default }
spec:
  hosts: [reviews]
  http: [{ route: [{ destination: { host: reviews, subset: mine } }] }]
`;
}

const zones = (near: Backend, far: Backend) => `---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: zones }
spec:
  hosts: [zones.example.com]
  ports: [{ number: 80, name: http, protocol: HTTP }]
  resolution: STATIC
  endpoints:
    - { address: 127.0.0.1, locality: eu/a, ports: { http: ${near.port} } }
    - { address: 127.0.0.1, locality: eu/b, ports: { http: ${far.port} } }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: zones }
spec: { host: zones.example.com, trafficPolicy: { outlierDetection: {} } }
`;

async function join(options: MeshOptions): Promise<Mesh> {
  const mesh = keep(await createMesh(options));
  await mesh.ready();
  return mesh;
}

async function get(mesh: Mesh, url = 'http://reviews.default/'): Promise<string> {
  return (await mesh.fetch(url)).text();
}

describe.each(['one config server', 'files'])('Clients of %s', (kind) => {
  async function world() {
    const [v1, v2] = [keep(await startBackend('reviews', 'v1')), keep(await startBackend('reviews', 'v2'))];
    const folder = keep(new ConfigFolder());
    folder.write('reviews.yaml', serviceYaml('reviews', [v1, v2]));
    folder.write('rules.yaml', rules('v1', 'v2'));
    folder.write('zones.yaml', zones(v1, v2));
    if (kind === 'files') return { folder, source: { config: folder.path } };
    const ports = { xdsPort: 0, metricsPort: 0, debugPort: 0 };
    const server = keep(await startControlPlane({ config: [folder.path], logger: silent, ...ports }));
    return { folder, source: { xds: server.addresses.xds } };
  }

  it('have the rules of their own namespaces, and a change reaches all of them', async () => {
    const { folder, source } = await world();
    const web = await join({ ...source, namespace: 'web' });
    const other = await join({ ...source, namespace: 'other' });
    expect([await get(web), await get(other)]).toEqual(['v1', 'v2']);
    folder.write('rules.yaml', rules('v2', 'v1'));
    await expect.poll(async () => [await get(web), await get(other)], { timeout: 5000 }).toEqual(['v2', 'v1']);
  });

  it('call what is near to each', async () => {
    const { source } = await world();
    const inA = await join({ ...source, locality: 'eu/a' });
    const inB = await join({ ...source, locality: 'eu/b' });
    for (let i = 0; i < 5; i += 1) {
      expect([await get(inA, 'http://zones.example.com/'), await get(inB, 'http://zones.example.com/')]).toEqual([
        'v1',
        'v2',
      ]);
    }
  });
});
