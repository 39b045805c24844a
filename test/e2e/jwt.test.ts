import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { credentials } from '@grpc/grpc-js';
import type { Mesh } from 'inmesh';
import { describe, expect, it } from 'vitest';
import { makeKey, sign } from '../../packages/sdk/test/authentication/issuer.js';
import { grpcServer, type UnaryHandler } from '../../packages/sdk/test/grpc/interop-server.js';
import { TestService } from '../../packages/sdk/test/grpc/interop-service.js';
import { unary } from '../../packages/sdk/test/grpc/support.js';
import { send } from '../../packages/sdk/test/server/client.js';
import { ConfigFolder, serviceYaml } from '../support/config-folder.js';
import { type KeyServer, startKeyServer } from '../support/key-server.js';
import { scanForSecrets } from '../support/secret-scan.js';
import { closeAfterEach, joinMesh, type Source, seed, sources } from '../support/seeds.js';

const keep = closeAfterEach();
const scan = scanForSecrets();
const key = makeKey('ES256', 'one');
const stranger = makeKey('ES256', 'one');
const inAnHour = () => Math.floor(Date.now() / 1000) + 3600;
const claims = () => ({ iss: 'https://issuer.example', sub: 'me', exp: inAnHour() });

interface Service {
  readonly mesh: Mesh;
  readonly keyServer: KeyServer;
  readonly handled: IncomingMessage[];
  get(headers?: Record<string, string>, path?: string): Promise<string>;
}

async function serve(source: Source, yaml: (text: string, uri: string) => string, keyPort = 0): Promise<Service> {
  const keyServer = keep(await startKeyServer([key], keyPort));
  const folder = keep(new ConfigFolder());
  folder.write('policy.yaml', yaml(seed('11-jwt'), keyServer.uri));
  const mesh = await joinMesh(keep, folder, source, { logger: scan.logger });
  scan.watch(mesh);
  const handled: IncomingMessage[] = [];
  const server = mesh.createServer((req, res) => {
    handled.push(req);
    res.end(`${req.mesh?.jwt?.issuer} ${req.mesh?.jwt?.subject}`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  keep({ close: async () => void server.close() });
  const { port } = server.address() as AddressInfo;
  const get = async (headers: Record<string, string> = {}, path = '/') => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close', ...headers } });
    return `${response.status} ${await response.text()}`;
  };
  return { mesh, keyServer, handled, get };
}

/** What proves a token may be told nowhere. */
const bearer = (token: string) => {
  const [, , signature = ''] = token.split('.');
  if (signature !== '') scan.guard('the signature of a token', signature);
  return { authorization: `Bearer ${token}` };
};
const atServer = (text: string, uri: string) => text.replace('http://127.0.0.1:18080/jwks.json', uri);

/** The file is taken as it is. */
const portOfSeed = 18_080;

describe.each(sources)('seed 11 from %s', (source) => {
  it('lets in who has a valid token, and nobody else', async () => {
    const { get, handled } = await serve(source, (text) => text, portOfSeed);
    expect(await get(bearer(await sign(key, claims())))).toBe('200 https://issuer.example me');
    expect(await get({}, `/?access_token=${await sign(key, claims())}`)).toBe('200 https://issuer.example me');
    expect(await get()).toBe('403 RBAC: access denied');
    expect(await get(bearer(await sign(stranger, claims())))).toBe('401 Jwt verification fails');
    expect(await get(bearer(await sign(key, { ...claims(), exp: 1 })))).toBe('401 Jwt is expired');
    expect(await get(bearer(await sign(key, { ...claims(), iss: 'https://evil' })))).toBe(
      '401 Jwt issuer is not configured',
    );
    expect(handled.map(({ url, headers }) => [url, headers.authorization])).toEqual([
      ['/', undefined],
      ['/', undefined],
    ]);
  });
});

it('is asked for by gRPC servers, too, whose handlers find it by mesh.caller()', async () => {
  const keyServer = keep(await startKeyServer([key]));
  const folder = keep(new ConfigFolder());
  folder.write('policy.yaml', atServer(seed('11-jwt'), keyServer.uri));
  const mesh = await joinMesh(keep, folder, 'a folder', { logger: scan.logger });
  scan.watch(mesh);
  const subjects: unknown[] = [];
  const answer = async () => void subjects.push(mesh.caller()?.jwt?.subject);
  const options = { interceptors: [mesh.grpc.serverInterceptor()] };
  const server = await grpcServer({ options, unary: answer as UnaryHandler });
  keep({ close: async () => server.close() });
  const client = new TestService(`127.0.0.1:${server.port}`, credentials.createInsecure());
  keep({ close: async () => client.close() });
  const send = async (token?: string) => {
    const { error } = await unary(client, {}, { metadata: token === undefined ? {} : bearer(token) });
    return error === null ? 'OK' : `${error.code} ${error.details}`;
  };
  expect(await send(await sign(key, claims()))).toBe('OK');
  expect(await send()).toBe('7 RBAC: access denied');
  expect(await send(await sign(stranger, claims()))).toBe('16 Jwt verification fails');
  expect(subjects).toEqual(['me']);
  expect(server.metadata.map((metadata) => metadata.get('authorization'))).toEqual([[]]);
});

describe('RequestAuthentication', () => {
  const more = (text: string, uri: string) =>
    atServer(text, uri).replace(
      'jwksUri:',
      [
        'forwardOriginalToken: true',
        'audiences: [shop]',
        'fromHeaders: [{ name: x-jwt, prefix: "jwt " }]',
        'fromParams: [jwt]',
        'fromCookies: [jwt]',
        'outputPayloadToHeader: x-payload',
        'outputClaimToHeaders: [{ header: x-sub, claim: sub }]',
        'jwksUri:',
      ].join('\n      '),
    );

  it('finds tokens where it is told, forwards them, and gives claims in headers', async () => {
    const { get, handled } = await serve('a folder', more);
    const token = await sign(key, { ...claims(), aud: 'shop' });
    for (const [headers, path] of [
      [{ 'x-jwt': `jwt ${token}` }, '/'],
      [{}, `/?jwt=${token}`],
      [{ cookie: `a=b; jwt=${token}` }, '/'],
    ] as const) {
      expect(await get({ ...headers, 'x-sub': 'root', 'x-payload': 'forged' }, path)).toMatch(/^200 /);
      const seen = handled.at(-1)!;
      expect(JSON.stringify([seen.url, seen.headers])).toContain(token);
      expect([seen.headers['x-sub'], seen.headers['x-payload']]).toEqual(['me', token.split('.')[1]]);
      expect(seen.headersDistinct['x-sub']).toEqual(['me']);
      expect(seen.rawHeaders.filter((text) => text.toLowerCase() === 'x-sub')).toHaveLength(1);
    }
    expect(await get(bearer(token))).toBe('403 RBAC: access denied');
    expect(await get({ 'x-jwt': `jwt ${await sign(key, claims())}` })).toBe('401 Audiences in Jwt are not allowed');
  });

  it('asks the issuer once, and takes known keys while it is away', async () => {
    const { get, keyServer } = await serve('a folder', atServer);
    const token = await sign(key, claims());
    await Promise.all(Array.from({ length: 20 }, () => get(bearer(token))));
    expect(keyServer.asked).toBe(1);
    await keyServer.close();
    expect(await get(bearer(token))).toMatch(/^200 /);
  });

  it('asks the issuer where its keys are when it does not say', async () => {
    const issuer = (uri: string) => new URL(uri).origin;
    const { get, keyServer } = await serve('a folder', (text, uri) =>
      text.replace(/issuer: .*\n.*jwksUri.*/, `issuer: "${issuer(uri)}"`),
    );
    const send = async (more: object) => get(bearer(await sign(key, { ...claims(), iss: keyServer.issuer, ...more })));
    expect(await send({})).toBe(`200 ${keyServer.issuer} me`);
    expect(await send({ iss: 'https://issuer.example' })).toBe('401 Jwt issuer is not configured');
    expect(keyServer.asked).toBe(1);
  });

  it('decides by claims', async () => {
    const { get } = await serve('a folder', (text, uri) =>
      atServer(text, uri).replace(
        'rules: [{ from: [{ source: { requestPrincipals: ["*"] } }] }]',
        `rules:
    - from: [ { source: { requestPrincipals: ["https://issuer.example/me"] } } ]
      when: [ { key: "request.auth.claims[realm][roles]", values: ["admin"] } ]`,
      ),
    );
    const send = async (more: object) => get(bearer(await sign(key, { ...claims(), ...more })));
    expect(await send({ realm: { roles: ['user', 'admin'] } })).toMatch(/^200 /);
    expect(await send({ realm: { roles: ['user'] } })).toMatch(/^403 /);
    expect(await send({ sub: 'you', realm: { roles: ['admin'] } })).toMatch(/^403 /);
    expect(await send({})).toMatch(/^403 /);
  });
});

describe('a preflight of a browser', () => {
  const preflight = { origin: 'https://page.example', 'access-control-request-method': 'PUT' };
  const cors = `---
${serviceYaml('shop', [])}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: any, namespace: default }
spec:
  hosts: [shop]
  http: [{ corsPolicy: { allowOrigins: [{ exact: "https://page.example" }] }, route: [{ destination: { host: shop } }] }]
`;

  async function serveWith(rules: string) {
    const authentication = (text: string, uri: string) => atServer(text, uri).split('---')[0]!;
    const folderText = (text: string, uri: string) => `${authentication(text, uri)}${rules}${cors}`;
    const { mesh, handled } = await serve('a folder', folderText);
    const server = mesh.createServer((req, res) => {
      handled.push(req);
      res.end('handled');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    keep({ close: async () => void server.close() });
    const { port } = server.address() as AddressInfo;
    return async (method: string, headers: Record<string, string>) => {
      const { status, headers: said, body } = await send(port, { method, headers: { host: 'shop', ...headers } });
      return `${status} ${said['access-control-allow-origin'] ?? body}`;
    };
  }

  it('is answered by CORS without a look at a token, where policies let anybody in', async () => {
    const ask = await serveWith('');
    const bad = { authorization: 'Bearer nonsense' };
    expect(await ask('OPTIONS', preflight)).toBe('200 https://page.example');
    expect(await ask('OPTIONS', { ...preflight, ...bad })).toBe('200 https://page.example');
    expect(await ask('PUT', { origin: preflight.origin, ...bad })).toMatch(/^401 Jwt is not in the form/);
    expect(await ask('OPTIONS', bad)).toMatch(/^401 Jwt is not in the form/);
  });

  it('is refused by a policy that asks for somebody, unless it lets OPTIONS in', async () => {
    const policy = (rules: string) => `---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: p, namespace: default }
spec: { rules: [${rules}] }
`;
    const somebody = '{ from: [{ source: { requestPrincipals: ["*"] } }] }';
    const strict = await serveWith(policy(somebody));
    expect(await strict('OPTIONS', preflight)).toBe('403 RBAC: access denied');
    const open = await serveWith(policy(`${somebody}, { to: [{ operation: { methods: [OPTIONS] } }] }`));
    expect(await open('OPTIONS', preflight)).toBe('200 https://page.example');
    expect(await open('PUT', { origin: preflight.origin })).toBe('403 RBAC: access denied');
  });
});
