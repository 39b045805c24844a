import * as grpc from '@grpc/grpc-js';
import { expect, it } from 'vitest';
import { type TestClient, TestService } from '../../packages/sdk/test/grpc/interop-service.js';
import { unary } from '../../packages/sdk/test/grpc/support.js';
import { ConfigFolder } from '../support/config-folder.js';
import { joinEnvoy, refusals } from './support/envoy-mesh.js';
import { grpcRoute, keep, reviewsOf, startServers } from './support/grpc-world.js';

const to = (name: string) => `backendRefs: [{ name: ${name}, port: 9080 }]`;
const unaryCall = 'method: { service: grpc.testing.TestService, method: UnaryCall }';

/** Who answers, or with which status a call fails. */
async function answer(client: TestClient, metadata: Readonly<Record<string, string>> = {}): Promise<string | number> {
  const { response, status } = await unary(client, {}, { metadata });
  return response?.username ?? status.code;
}

it('Envoy follows a GRPCRoute, for calls of gRPC alone, and fails the share of a backend that is not there', async () => {
  const [v1, v2] = await startServers({ name: 'v1' }, { name: 'v2' });
  // Envoy chooses HTTP/2 by the name of the port.
  const ofGrpc = (yaml: string) => yaml.replaceAll('"name":"http"', '"name":"grpc"');
  const folder = keep(new ConfigFolder());
  folder.write('reviews.yaml', ofGrpc(reviewsOf([])));
  folder.write('v1.yaml', ofGrpc(reviewsOf([v1!])).replaceAll('reviews', 'v1'));
  folder.write('v2.yaml', ofGrpc(reviewsOf([v2!])).replaceAll('reviews', 'v2'));
  const byHeader = `{ matches: [{ ${unaryCall}, headers: [{ name: End-User, value: jason }] }], ${to('v2')} }`;
  const byName = `{ matches: [{ method: { type: RegularExpression, method: "Unary.*|x" } }], ${to('v1')} }`;
  folder.write('route.yaml', grpcRoute(`${byName}, ${byHeader}`));
  const { server, envoy } = await joinEnvoy(keep, folder, 'DELTA_GRPC');
  const options = { 'grpc.default_authority': 'reviews:9080', 'grpc.enable_http_proxy': 0 };
  const address = `127.0.0.1:${envoy.proxyPort}`;
  const client = new TestService(address, grpc.credentials.createInsecure(), options);
  keep({ close: async () => client.close() });
  await envoy.waitFor('an answer', async () => (await answer(client)) === 'v1');
  expect(await answer(client, { 'end-user': 'jason' })).toBe('v2');
  expect(await envoy.answer('reviews:9080', '/grpc.testing.TestService/UnaryCall')).toMatch(/^404/);
  folder.write('route.yaml', grpcRoute(`{ ${to('gone')} }`));
  await envoy.waitFor('no backend', async () => (await answer(client)) === grpc.status.UNAVAILABLE);
  expect(await refusals({ server, envoy })).toEqual([]);
});
