import { createMesh, type Mesh } from 'inmesh';
import { expect, it } from 'vitest';
import { type GrpcTestServer, grpcServer } from '../../packages/sdk/test/grpc/interop-server.js';
import { TestService } from '../../packages/sdk/test/grpc/interop-service.js';
import { unary } from '../../packages/sdk/test/grpc/support.js';
import { type Backend, startBackend } from '../support/backends.js';
import { ConfigFolder } from '../support/config-folder.js';
import { type ConfigServer, startConfigServer } from '../support/config-server.js';
import { inParallel } from '../support/load.js';
import { Envoy } from './support/envoy.js';
import { GrpcPeer, grpcLibraries } from './support/grpc-peer.js';
import { destinationRule, keep, weights } from './support/grpc-world.js';

/** Says which version answers a call with this header. */
type Caller = (user?: string) => Promise<string>;

interface Version {
  readonly name: string;
  readonly http: Backend;
  readonly grpc: GrpcTestServer;
}

const host = 'reviews.default.svc.cluster.local';
const httpPort = 9080;
const grpcPort = 9090;
const grpcTarget = `xds:///${host}:${grpcPort}`;

async function startVersion(name: string): Promise<Version> {
  const [http, grpc] = await Promise.all([startBackend('reviews', name), grpcServer({ name })]);
  return { name, http: keep(http), grpc: keep(grpc) };
}

/** A Service with a port of each protocol. */
function reviewsOf(versions: readonly Version[]): string {
  const ports = (http: number, grpc: number) => [
    { name: 'http', port: http },
    { name: 'grpc', port: grpc },
  ];
  const metadata = { name: 'reviews', namespace: 'default' };
  const service = { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: ports(httpPort, grpcPort) } };
  const instances = versions.flatMap(({ name, http, grpc }) => [
    { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name, labels: { version: name } } },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { ...metadata, name, labels: { 'kubernetes.io/service-name': 'reviews' } },
      addressType: 'IPv4',
      ports: ports(http.port, grpc.port),
      endpoints: [{ addresses: ['127.0.0.1'], targetRef: { kind: 'Pod', name, namespace: 'default' } }],
    },
  ]);
  return [service, ...instances].map((object) => JSON.stringify(object)).join('\n---\n');
}

async function startMesh(names: readonly string[], rules: Readonly<Record<string, string>>) {
  const folder = keep(new ConfigFolder());
  folder.write('reviews.yaml', reviewsOf(await Promise.all(names.map(startVersion))));
  for (const [name, text] of Object.entries(rules)) folder.write(name, text);
  const server = await startConfigServer(folder.path);
  keep({ close: () => server.kill() });
  return { folder, server };
}

async function sdk({ xds }: ConfigServer): Promise<Mesh> {
  const mesh = keep(await createMesh({ xds }));
  await mesh.ready();
  return mesh;
}

function fetchCaller(mesh: Mesh): Caller {
  return async () => (await mesh.fetch(`http://${host}:${httpPort}/`)).text();
}

function grpcCaller(mesh: Mesh): Caller {
  const client = mesh.grpc.client(TestService, grpcTarget);
  keep({ close: async () => client.close() });
  return async (user = '') => {
    const { error, response } = await unary(client, {}, { metadata: { 'x-user': user } });
    return response?.username ?? String(error);
  };
}

async function envoyCaller({ xds }: ConfigServer): Promise<Caller> {
  const envoy = keep(await Envoy.start({ variant: 'DELTA_GRPC', xds }));
  await envoy.waitFor('calls to be taken', () => envoy.isListening());
  return async () => (await envoy.answer(`${host}:${httpPort}`)).replace(/^200 /, '');
}

async function peerCaller(library: (typeof grpcLibraries)[number], { xds }: ConfigServer): Promise<Caller> {
  const peer = keep(await GrpcPeer.start(library, xds));
  return async (user = '') => {
    const { servers, messages } = await peer.call(1, { target: grpcTarget, metadata: { 'x-user': user } });
    return Object.keys(servers)[0] ?? JSON.stringify(messages);
  };
}

/** How many of its calls each version has answered. */
async function sharesOf(caller: Caller, calls: number): Promise<Record<string, number>> {
  const shares: Record<string, number> = { v1: 0, v2: 0 };
  await inParallel(calls, 8, async () => {
    const version = await caller();
    shares[version] = (shares[version] ?? 0) + 1;
  });
  return shares;
}

it('Callers behind Envoy, in grpc-go and grpc-js, and with the SDK follow one canary, and shift together after one save', async () => {
  const { folder, server } = await startMesh(['v1', 'v2'], {
    'subsets.yaml': destinationRule('{}', ['v1', 'v2']),
    'weights.yaml': weights(90, 10),
  });
  const mesh = await sdk(server);
  const callers: Record<string, Caller> = {
    'mesh.fetch': fetchCaller(mesh),
    'mesh.grpc': grpcCaller(mesh),
    Envoy: await envoyCaller(server),
    'grpc-go': await peerCaller('grpc-go', server),
    'grpc-js-xds': await peerCaller('grpc-js-xds', server),
  };
  const shares = (calls: number) =>
    Promise.all(
      Object.entries(callers).map(async ([name, caller]) => ({ name, share: await sharesOf(caller, calls) })),
    );
  for (const { name, share } of await shares(500)) {
    expect(Object.keys(share), name).toEqual(['v1', 'v2']);
    // Five standard deviations around 50.
    expect(share.v2, name).toBeGreaterThan(16);
    expect(share.v2, name).toBeLessThan(84);
  }
  folder.write('weights.yaml', weights(10, 90));
  const shifted = async () => (await shares(40)).every(({ share }) => share.v2! > share.v1!);
  await expect.poll(shifted, { timeout: 10_000 }).toBe(true);
  for (const { name, share } of await shares(500)) {
    expect(Object.keys(share), name).toEqual(['v1', 'v2']);
    expect(share.v1, name).toBeGreaterThan(16);
    expect(share.v1, name).toBeLessThan(84);
  }
});

it('A key goes to one endpoint, whichever library calls', async () => {
  const { server } = await startMesh(['v1', 'v2', 'v3'], {
    'hash.yaml': destinationRule('{ loadBalancer: { consistentHash: { httpHeaderName: x-user } } }'),
  });
  const callers = [
    grpcCaller(await sdk(server)),
    ...(await Promise.all(grpcLibraries.map((library) => peerCaller(library, server)))),
  ];
  const seen = new Set<string>();
  for (let user = 0; user < 60; user += 1) {
    const answers = await Promise.all(callers.map((caller) => caller(`user-${user}`)));
    expect(new Set(answers).size, `user-${user}: ${answers}`).toBe(1);
    seen.add(answers[0]!);
  }
  expect([...seen].sort()).toEqual(['v1', 'v2', 'v3']);
});
