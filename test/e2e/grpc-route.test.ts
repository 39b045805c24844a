import { createMesh, type Mesh } from 'inmesh';
import { seededRandom } from 'inmesh/testing';
import { expect, it } from 'vitest';
import { type GrpcTestServer, grpcServer } from '../../packages/sdk/test/grpc/interop-server.js';
import { type TestClient, TestService } from '../../packages/sdk/test/grpc/interop-service.js';
import { metadataOf, unary } from '../../packages/sdk/test/grpc/support.js';
import { ConfigFolder, serviceYaml } from '../support/config-folder.js';
import { keep } from '../support/keep.js';

interface World {
  readonly servers: readonly GrpcTestServer[];
  readonly folder: ConfigFolder;
  readonly mesh: Mesh;
  readonly client: TestClient;
}

/** The Services `reviews`, which has no endpoints, `reviews-v1` and `reviews-v2`, and a GRPCRoute for the first. */
async function start(...rules: string[]): Promise<World> {
  const servers = [keep(await grpcServer({ name: 'v1' })), keep(await grpcServer({ name: 'v2' }))];
  const folder = keep(new ConfigFolder());
  folder.write('reviews.yaml', serviceYaml('reviews', [], { port: 9080 }));
  for (const { name, port } of servers) {
    const app = `reviews-${name}`;
    folder.write(`${app}.yaml`, serviceYaml(app, [{ app, version: name, port }], { port: 9080 }));
  }
  folder.write('route.yaml', grpcRoute(...rules));
  const mesh = keep(await createMesh({ config: folder.path, random: seededRandom(5) }));
  await mesh.ready();
  return { servers, folder, mesh, client: keep(mesh.grpc.client(TestService, 'reviews:9080')) };
}

function grpcRoute(...rules: string[]): string {
  return `
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: { name: reviews }
spec:
  parentRefs: [{ kind: Service, group: "", name: reviews }]
  rules: [${rules.join(', ')}]
`;
}

const to = (...weights: [string, number][]) =>
  `backendRefs: [${weights.map(([name, weight]) => `{ name: ${name}, port: 9080, weight: ${weight} }`).join(', ')}]`;
const toV1 = to(['reviews-v1', 1]);
const toV2 = to(['reviews-v2', 1]);

function emptyCall(client: TestClient): Promise<number> {
  return new Promise((resolve) => client.EmptyCall({}, metadataOf({}), {}, (error) => resolve(error?.code ?? 0)));
}

async function answers(client: TestClient, calls: number): Promise<Record<string, number>> {
  const count: Record<string, number> = {};
  for (const { response, status } of await Promise.all(Array.from({ length: calls }, () => unary(client)))) {
    const answer = response?.username ?? String(status.code);
    count[answer] = (count[answer] ?? 0) + 1;
  }
  return count;
}

it('sends a call by its service, its method and its metadata, the more exact match first', async () => {
  const { client, servers } = await start(
    `{ matches: [{ method: { service: grpc.testing.TestService } }], ${toV1} }`,
    `{ matches: [{ method: { service: grpc.testing.TestService, method: EmptyCall } }], ${toV2} }`,
    `{ matches: [{ method: { service: grpc.testing.TestService }, headers: [{ name: End-User, value: jason }] }], ${toV2} }`,
  );
  expect((await unary(client)).response?.username).toBe('v1');
  expect((await unary(client, {}, { metadata: { 'end-user': 'ann' } })).response?.username).toBe('v1');
  expect((await unary(client, {}, { metadata: { 'end-user': 'jason' } })).response?.username).toBe('v2');
  expect(await emptyCall(client)).toBe(0);
  expect(servers.map(({ seen }) => seen)).toEqual([
    ['UnaryCall', 'UnaryCall'],
    ['UnaryCall', 'EmptyCall'],
  ]);
});

it('follows weights, and their changes, and changes headers for one backend alone', async () => {
  const filter = '{ type: RequestHeaderModifier, requestHeaderModifier: { set: [{ name: x-canary, value: "10%" }] } }';
  const split = (v1: number, v2: number) =>
    `{ ${to(['reviews-v1', v1], ['reviews-v2', v2]).replace(/ }\]$/, `, filters: [${filter}] }]`)} }`;
  const { client, servers, folder, mesh } = await start(split(90, 10));
  const { v1, v2 } = await answers(client, 500);
  expect(v1! + v2!).toBe(500);
  // Five standard deviations around 50.
  expect(v2).toBeGreaterThan(16);
  expect(v2).toBeLessThan(84);
  expect(new Set(servers[0]!.metadata.map((one) => one.get('x-canary').join()))).toEqual(new Set(['']));
  expect(new Set(servers[1]!.metadata.map((one) => one.get('x-canary').join()))).toEqual(new Set(['10%']));
  const { generation } = mesh.status();
  folder.write('route.yaml', grpcRoute(split(0, 1)));
  while (mesh.status().generation === generation) await new Promise(setImmediate);
  expect(await answers(client, 20)).toEqual({ v2: 20 });
});

it('fails the share of a backend that is not there as UNAVAILABLE, and nothing else', async () => {
  const { client, servers } = await start(
    `{ ${to(['reviews-v1', 1], ['gone', 1])} }`,
    `{ matches: [{ method: { service: grpc.testing.TestService, method: EmptyCall } }], ${to(['gone', 1])} }`,
  );
  const { v1, 14: unavailable } = await answers(client, 200);
  expect(v1! + unavailable!).toBe(200);
  // Five standard deviations around 100.
  expect(unavailable).toBeGreaterThan(64);
  expect(unavailable).toBeLessThan(136);
  expect(await emptyCall(client)).toBe(14);
  expect(servers[0]!.seen).toHaveLength(v1!);
});

it('is for calls of gRPC that it has a rule for, and for nothing else', async () => {
  const { client, mesh, servers } = await start(
    `{ matches: [{ method: { type: RegularExpression, service: "grpc[.].*", method: "Unary.*|Nothing" } }], ${toV2} }`,
  );
  expect(await answers(client, 5)).toEqual({ v2: 5 });
  expect(await emptyCall(client)).toBe(12);
  const request = mesh.fetch('http://reviews:9080/grpc.testing.TestService/UnaryCall', { method: 'POST' });
  await expect(request).rejects.toMatchObject({ reason: 'no_route' });
  expect(servers.map(({ seen }) => seen.length)).toEqual([0, 5]);
});
