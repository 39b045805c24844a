import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createMesh } from 'inmesh';
import { expect, it } from 'vitest';
import { send } from '../../packages/sdk/test/server/client.js';
import { ConfigFolder } from '../support/config-folder.js';
import { startConfigServer } from '../support/config-server.js';
import { IdentityFolder } from '../support/identity-folder.js';
import { keep } from '../support/keep.js';
import { MeshAuthority } from '../support/mesh-authority.js';

const authority = new MeshAuthority();
const patience = { timeout: 10_000 };

const policies = `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: deny-all, namespace: prod }
spec: {}
`;

/** Each field of it is of its type, and no client could read the filter that it would be. */
const broken = `
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: users, namespace: prod }
spec: { jwtRules: [{ issuer: "https://i.example", jwksUri: "https://i.example/keys", timeout: "0s" }] }
`;

/** A workload of a namespace that is not the default client's. */
async function serve(xds: string) {
  const identity = keep(new IdentityFolder(authority.issue('reviews'))).path;
  const mesh = keep(await createMesh({ xds, namespace: 'prod', labels: { app: 'a' }, identity }));
  const server = mesh.createServer((_request, response) => void response.end('handler'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  keep({ close: async () => void server.close() });
  const { port } = server.address() as AddressInfo;
  return { mesh, ask: async () => (await send(port)).status };
}

it('One bad policy opens nothing in its namespace, for those that run, that come, or that wait', async () => {
  const folder = keep(new ConfigFolder());
  folder.write('policies.yaml', policies);
  const server = await startConfigServer(folder.path);
  keep({ close: () => server.kill() });
  const running = await serve(server.xds);
  await running.mesh.ready();
  expect(await running.ask()).toBe(403);
  folder.write('users.yaml', broken);
  await expect.poll(() => server.log(), patience).toContain('jwtRules[0].timeout: must be more than zero');
  const newcomer = await serve(server.xds);
  await newcomer.mesh.ready();
  expect([await running.ask(), await newcomer.ask()]).toEqual([403, 403]);

  const xdsPort = Number(server.xds.split(':')[1]);
  await server.kill();
  const again = await startConfigServer(folder.path, { xdsPort });
  keep({ close: () => again.kill() });
  expect((await fetch(`http://${again.metrics}/ready`)).status).toBe(503);
  const waiting = await serve(again.xds);
  expect([await running.ask(), await waiting.ask()]).toEqual([403, 503]);
  folder.write('users.yaml', broken.replace('0s', '1s'));
  await waiting.mesh.ready();
  expect([await running.ask(), await waiting.ask()]).toEqual([403, 403]);
}, 60_000);
