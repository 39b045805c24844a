import { once } from 'node:events';
import { type RequestOptions, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import * as grpc from '@grpc/grpc-js';
import type { Mesh } from 'inmesh';
import { describe, expect, it } from 'vitest';
import { TestService, testServiceMethods } from '../../packages/sdk/test/grpc/interop-service.js';
import { unary } from '../../packages/sdk/test/grpc/support.js';
import { ConfigFolder } from '../support/config-folder.js';
import { IdentityFolder } from '../support/identity-folder.js';
import { MeshAuthority, type TestIdentity } from '../support/mesh-authority.js';
import { scanForSecrets } from '../support/secret-scan.js';
import { closeAfterEach, joinMesh, seed, sources } from '../support/seeds.js';

const keep = closeAfterEach();
const scan = scanForSecrets();
const authority = new MeshAuthority();
const of = (namespace: string) => authority.issue('shop', { uris: [`spiffe://cluster.local/ns/${namespace}/sa/shop`] });
const [near, far] = [of('default'), of('other')];
const webapp = 'webapp.default.svc.cluster.local';
const frontend = 'frontend.default.svc.cluster.local';

const strict = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: default }
spec: { mtls: { mode: STRICT } }
`;

async function joinAs(policies: string, source: (typeof sources)[number] = 'a folder'): Promise<Mesh> {
  const folder = keep(new ConfigFolder());
  folder.write('policies.yaml', policies);
  folder.write('strict.yaml', strict);
  const identity = keep(new IdentityFolder(authority.issue('webapp')));
  const mesh = await joinMesh(keep, folder, source, { identity: identity.path, logger: scan.logger });
  scan.watch(mesh);
  return mesh;
}

async function answer(port: number, identity: TestIdentity, options: RequestOptions): Promise<string> {
  const tls = {
    cert: identity.chain,
    key: identity.key,
    servername: 'webapp',
    rejectUnauthorized: false,
    agent: false as const,
  };
  const sent = request({ host: '127.0.0.1', port, ...tls, ...options });
  sent.end();
  const [response] = await once(sent, 'response');
  let body = '';
  for await (const chunk of response) body += chunk;
  return `${response.statusCode} ${body}`.trim();
}

describe.each(sources)('seed 10 from %s, over mutual TLS', (source) => {
  it('lets in GET and HEAD of its hosts with its versions, from its namespace, and nothing else', async () => {
    const mesh = await joinAs(seed('10-authorization'), source);
    const handled: string[] = [];
    const server = mesh.createServer((req, res) => {
      handled.push(`${req.method} ${req.headers.host} ${req.headers.version} ${req.mesh?.peer?.namespace}`);
      res.end('hello');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    keep({ close: async () => server.close().closeAllConnections() });
    const { port } = server.address() as AddressInfo;
    const ask = (method: string, host: string, version: string | undefined, identity = near) =>
      answer(port, identity, { method, headers: { host, ...(version !== undefined && { version }) } });
    expect(await ask('GET', webapp, 'v1')).toBe('200 hello');
    expect(await ask('HEAD', frontend, 'v2')).toBe('200');
    const [denied, deniedHead] = ['403 RBAC: access denied', '403'];
    expect(await ask('GET', webapp, 'v1', far)).toBe(denied);
    expect(await ask('HEAD', webapp, 'v1', far)).toBe(deniedHead);
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) expect(await ask(method, webapp, 'v1')).toBe(denied);
    for (const version of ['v3', 'V1', 'v1,v2', '', undefined]) expect(await ask('GET', webapp, version)).toBe(denied);
    for (const host of ['db.default.svc.cluster.local', 'webapp', `${webapp}.`, `${webapp}:80`]) {
      expect(await ask('GET', host, 'v1')).toBe(denied);
    }
    expect(handled).toEqual([`GET ${webapp} v1 default`, `HEAD ${frontend} v2 default`]);
  });
});

describe('seed 10 before a gRPC server, over mutual TLS', () => {
  it.each([
    ['refuses all calls, which are POST', seed('10-authorization'), near, webapp, 7],
    [
      'lets in its namespace where it is for POST',
      seed('10-authorization').replace('"GET", "HEAD"', '"POST"'),
      near,
      webapp,
      0,
    ],
    ['refuses another namespace', seed('10-authorization').replace('"GET", "HEAD"', '"POST"'), far, webapp, 7],
    [
      'refuses another form of its host',
      seed('10-authorization').replace('"GET", "HEAD"', '"POST"'),
      near,
      `${webapp}.`,
      7,
    ],
  ])('%s', async (_what, policies, client, host, code) => {
    const mesh = await joinAs(policies);
    let handled = 0;
    const server = new grpc.Server({ interceptors: [mesh.grpc.serverInterceptor()] });
    server.addService(testServiceMethods, {
      UnaryCall: (_call: unknown, respond: grpc.sendUnaryData<object>) => {
        handled += 1;
        respond(null, { username: 'hello' });
      },
    } as grpc.UntypedServiceImplementation);
    const port = await mesh.grpc.bind(server, '127.0.0.1:0');
    keep({ close: async () => server.forceShutdown() });
    const credentials = grpc.credentials.createSsl(
      Buffer.from(authority.bundle),
      Buffer.from(client.key),
      Buffer.from(client.chain),
      { checkServerIdentity: () => undefined, rejectUnauthorized: false },
    );
    const stub = new TestService(`127.0.0.1:${port}`, credentials, { 'grpc.default_authority': host });
    keep({ close: async () => stub.close() });
    const { error } = await unary(stub, {}, { metadata: { version: 'v1' } });
    expect([error?.code ?? 0, handled]).toEqual([code, code === 0 ? 1 : 0]);
  });
});
