import { createMesh, type Mesh } from 'inmesh';
import { prometheus } from 'inmesh/prometheus';
import { seededRandom } from 'inmesh/testing';
import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { type GrpcTestServer, grpcServer } from '../../packages/sdk/test/grpc/interop-server.js';
import { type TestClient, TestService } from '../../packages/sdk/test/grpc/interop-service.js';
import { unary } from '../../packages/sdk/test/grpc/support.js';
import { ConfigFolder, serviceYaml } from '../support/config-folder.js';
import { keep } from '../support/keep.js';

const split = (v1: number, v2: number) => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews }
spec:
  hosts: [reviews]
  http:
    - route:
        - { destination: { host: reviews, subset: v1 }, weight: ${v1} }
        - { destination: { host: reviews, subset: v2 }, weight: ${v2} }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews }
spec:
  host: reviews
  subsets:
    - { name: v1, labels: { version: v1 } }
    - { name: v2, labels: { version: v2 } }
`;

function services(servers: readonly GrpcTestServer[]): string {
  return serviceYaml(
    'reviews',
    servers.map(({ name, port }) => ({ app: 'reviews', version: name, port })),
    { port: 9080 },
  );
}

async function meshOn(folder: ConfigFolder, options: Parameters<typeof createMesh>[0] = {}): Promise<Mesh> {
  const mesh = keep(await createMesh({ config: folder.path, random: seededRandom(5), ...options }));
  await mesh.ready();
  return mesh;
}

async function share(client: TestClient, calls: number): Promise<Record<string, number>> {
  const count: Record<string, number> = { v1: 0, v2: 0 };
  for (const { response } of await Promise.all(Array.from({ length: calls }, () => unary(client))))
    count[response!.username]! += 1;
  return count;
}

it('follows the weights of a VirtualService, and its changes, from the first call on', async () => {
  const servers = [keep(await grpcServer({ name: 'v1' })), keep(await grpcServer({ name: 'v2' }))];
  const folder = keep(new ConfigFolder());
  folder.write('services.yaml', services(servers));
  folder.write('split.yaml', split(90, 10));
  const mesh = await meshOn(folder);
  const client = keep(mesh.grpc.client(TestService, 'reviews:9080'));
  const { v2 } = await share(client, 500);
  expect(v2).toBeGreaterThan(25);
  expect(v2).toBeLessThan(80);
  const { generation } = mesh.status();
  folder.write('split.yaml', split(0, 100));
  while (mesh.status().generation === generation) await new Promise(setImmediate);
  expect(await share(client, 20)).toEqual({ v1: 0, v2: 20 });
});

it('uses an endpoint within a moment of its coming', async () => {
  const servers = [keep(await grpcServer({ name: 'v1' })), keep(await grpcServer({ name: 'v2' }))];
  const folder = keep(new ConfigFolder());
  folder.write('services.yaml', services(servers.slice(0, 1)));
  const mesh = await meshOn(folder);
  const client = keep(mesh.grpc.client(TestService, 'xds:///reviews.default.svc.cluster.local:9080'));
  expect(await share(client, 10)).toEqual({ v1: 10, v2: 0 });
  const started = performance.now();
  folder.write('services.yaml', services(servers));
  while ((await share(client, 4)).v2 === 0) expect(performance.now() - started).toBeLessThan(5000);
});

it('counts gRPC calls by their status', async () => {
  const register = new Registry();
  const folder = keep(new ConfigFolder());
  folder.write('services.yaml', services([keep(await grpcServer({ name: 'v1' }))]));
  const mesh = await meshOn(folder, { telemetry: [prometheus({ register })] });
  const client = keep(mesh.grpc.client(TestService, 'reviews:9080'));
  await unary(client);
  await unary(client, { response_status: { code: 5, message: 'no' } });
  const lines = (await register.metrics()).split('\n').filter((line) => line.startsWith('istio_requests_total'));
  expect(lines.every((line) => line.includes('request_protocol="grpc"'))).toBe(true);
  for (const status of ['0', '5'])
    expect(lines.filter((line) => line.includes(`grpc_response_status="${status}"`))).toHaveLength(1);
});

it('ends calls under way with the mesh', async () => {
  const server = keep(await grpcServer({ name: 'v1', unary: () => new Promise(() => {}) }));
  const folder = keep(new ConfigFolder());
  folder.write('services.yaml', services([server]));
  const mesh = await meshOn(folder);
  const call = unary(mesh.grpc.client(TestService, 'reviews:9080'));
  await server.untilSeen(1);
  await mesh.close({ graceMs: 20 });
  expect((await call).error).toMatchObject({ code: 14, details: expect.stringContaining('mesh_closed') });
});
