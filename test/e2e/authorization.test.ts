import { credentials } from '@grpc/grpc-js';
import { testCall } from '@inmesh/core/testing';
import { prometheus } from 'inmesh/prometheus';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { grpcServer } from '../../packages/sdk/test/grpc/interop-server.js';
import { TestService } from '../../packages/sdk/test/grpc/interop-service.js';
import { unary } from '../../packages/sdk/test/grpc/support.js';
import { ConfigFolder } from '../support/config-folder.js';
import { authorizationPolicy, servePoliced } from '../support/policed-service.js';
import { closeAfterEach, joinMesh, seed, sources } from '../support/seeds.js';

const keep = closeAfterEach();
const denied = '403 RBAC: access denied';
const hello = '200 hello';

describe.each(sources)('policies from %s', (source) => {
  it('deny everything by one line, until the line is gone', async () => {
    const { get, handled, folder } = await servePoliced(
      keep,
      { 'a.yaml': authorizationPolicy('none', '{}') },
      { source },
    );
    expect(await get()).toBe(denied);
    expect(handled).toEqual([]);
    folder.remove('a.yaml');
    await expect.poll(() => get(), { timeout: 5000 }).toBe(hello);
  });

  it('of seed 10 let in nobody without a certificate', async () => {
    const { get, handled } = await servePoliced(keep, { 'a.yaml': seed('10-authorization') }, { source });
    expect(await get('/', { host: 'webapp.default.svc.cluster.local', version: 'v1' })).toBe(denied);
    expect(handled).toEqual([]);
  });
});

it('seed 10 lets in workloads of its namespace, for what it names, and nothing else', async () => {
  const { mesh } = await servePoliced(keep, { 'a.yaml': seed('10-authorization') });
  const chain = mesh.snapshots.current.inbound?.chainOf(80, 'tls');
  const host = 'webapp.default.svc.cluster.local';
  const allows = ({ namespace = 'default', method = 'GET', authority = host, version = 'v1', path = '/a' }) => {
    const call = testCall({ method, authority, path, headers: { version } });
    const spiffeId = `spiffe://cluster.local/ns/${namespace}/sa/me`;
    call.connection = {
      ...{ isTls: true, serverName: '', localAddress: '10.0.0.1', localPort: 80, remoteAddress: '10.0.0.2' },
      peer: { spiffeId, trustDomain: 'cluster.local', namespace, serviceAccount: 'me' },
    };
    return chain?.filters.every((filter) => filter.kind === 'rbac' && filter.engine(call).allowed);
  };
  expect(allows({})).toBe(true);
  expect(allows({ authority: 'frontend.default.svc.cluster.local', method: 'HEAD', version: 'v2' })).toBe(true);
  for (const other of [{ namespace: 'other' }, { method: 'POST' }, { authority: 'db' }, { version: 'v3' }]) {
    expect(allows(other)).toBe(false);
  }
});

describe('policies', () => {
  it('deny before they allow', async () => {
    const allow = '{ rules: [{ to: [{ operation: { paths: ["/shop/*"] } }] }] }';
    const deny = '{ action: DENY, rules: [{ to: [{ operation: { paths: ["/shop/admin*"], methods: ["POST"] } }] }] }';
    const files = { 'a.yaml': authorizationPolicy('allow', allow), 'd.yaml': authorizationPolicy('deny', deny) };
    const { get } = await servePoliced(keep, files);
    expect(await get('/shop/cart')).toBe(hello);
    expect(await get('/shop/admin/x')).toBe(hello);
    expect(await get('/shop/admin/x', {}, 'POST')).toBe(denied);
    expect(await get('/shop/ADMIN', {}, 'POST')).toBe(denied);
    expect(await get('/other')).toBe(denied);
    expect(await get('/shop//cart')).toMatch(/^400 .*two slashes/);
  });

  it.each([
    ['BASE', /^400 /, /^400 /],
    ['MERGE_SLASHES', /^403 /, /^400 /],
    ['DECODE_AND_MERGE_SLASHES', /^403 /, /^403 /],
  ])('see a path after pathNormalization %s', async (normalization, twoSlashes, encodedSlash) => {
    const deny = '{ action: DENY, rules: [{ to: [{ operation: { paths: ["/a/b"] } }] }] }';
    const operator = { apiVersion: 'install.istio.io/v1alpha1', kind: 'IstioOperator', metadata: { name: 'mesh' } };
    const spec = { meshConfig: { pathNormalization: { normalization } } };
    const files = { 'd.yaml': authorizationPolicy('deny', deny), 'm.yaml': JSON.stringify({ ...operator, spec }) };
    const { get, handled } = await servePoliced(keep, files);
    expect(await get('/a//b')).toMatch(twoSlashes);
    expect(await get('/a%2fb')).toMatch(encodedSlash);
    expect(await get('/a/./c')).toBe(hello);
    expect(handled.map(({ url }) => url)).toEqual(['/a/c']);
  });

  it('take a path by templates and by its end in any case', async () => {
    const deny = '{ action: DENY, rules: [{ to: [{ operation: { paths: ["/Users/{*}/Keys", "*.Secret"] } }] }] }';
    const { get } = await servePoliced(keep, { 'd.yaml': authorizationPolicy('deny', deny) });
    expect(await get('/users/me/keys/')).toBe(denied);
    expect(await get('/a.secret')).toBe(denied);
    expect(await get('/users/me')).toBe(hello);
  });

  it('look at headers, hosts, addresses and ports', async () => {
    const rules = (when: string) => `{ action: DENY, rules: [{ when: [${when}] }] }`;
    const files = {
      'h.yaml': authorizationPolicy('h', rules('{ key: "request.headers[x-role]", values: [guest] }')),
      'o.yaml': authorizationPolicy(
        'o',
        '{ action: DENY, rules: [{ to: [{ operation: { hosts: [admin.example] } }] }] }',
      ),
      'i.yaml': authorizationPolicy(
        'i',
        '{ action: DENY, rules: [{ from: [{ source: { ipBlocks: ["10.0.0.0/8"] } }] }] }',
      ),
      'p.yaml': authorizationPolicy('p', '{ action: DENY, rules: [{ to: [{ operation: { ports: ["1"] } }] }] }'),
    };
    const { get, folder } = await servePoliced(keep, files);
    expect(await get()).toBe(hello);
    expect(await get('/', { 'x-role': 'admin, guest' })).toBe(denied);
    expect(await get('/', { host: 'Admin.Example.:8080' })).toBe(denied);
    folder.write('i.yaml', files['i.yaml'].replace('10.0.0.0', '127.0.0.0'));
    await expect.poll(() => get(), { timeout: 5000 }).toBe(denied);
  });

  it('that are tried out are counted and not carried out, and none is told of by what it saw', async () => {
    const rules = 'rules: [{ when: [{ key: "request.headers[x-key]", values: [hunter2] }] }]';
    const register = new Registry();
    const logged: unknown[] = [];
    const log = (...line: unknown[]) => void logged.push(line);
    const files = {
      't.yaml': authorizationPolicy('tried', `{ action: DENY, ${rules} }`, '"istio.io/dry-run": "true"'),
      'a.yaml': authorizationPolicy('audit', `{ action: AUDIT, ${rules} }`),
      'd.yaml': authorizationPolicy('deny', '{ action: DENY, rules: [{ to: [{ operation: { methods: [PUT] } }] }] }'),
    };
    const logger = { debug: log, info: log, warn: log, error: log };
    const { get } = await servePoliced(keep, files, { telemetry: [prometheus({ register })], logger });
    expect(await get('/?token=hunter2', { 'x-key': 'hunter2' })).toBe(hello);
    expect(await get('/', {}, 'PUT')).toBe(denied);
    const metrics = await register.metrics();
    const value = (name: string) => new RegExp(`^${name}\\{policy="([^"]*)"\\} (\\d+)$`, 'm').exec(metrics)?.slice(1);
    expect(value('envoy_http_rbac_denied')).toEqual(['ns[default]-policy[deny]-rule[0]', '1']);
    expect(value('envoy_http_rbac_allowed')).toEqual(['', '1']);
    expect(value('envoy_http_rbac_shadow_denied')).toEqual(['ns[default]-policy[tried]-rule[0]', '1']);
    expect(value('envoy_http_rbac_shadow_allowed')).toEqual(['', '1']);
    const told = JSON.stringify(logged);
    for (const policy of ['tried', 'audit', 'deny']) expect(told).toContain(`policy[${policy}]`);
    expect(told).not.toContain('hunter2');
  });

  it('hold for gRPC, too', async () => {
    const folder = keep(new ConfigFolder());
    const allow = '{ rules: [{ to: [{ operation: { paths: ["/grpc.testing.TestService/UnaryCall"] } }] }] }';
    folder.write('a.yaml', authorizationPolicy('allow', allow));
    const mesh = await joinMesh(keep, folder, 'a folder');
    const server = await grpcServer({ options: { interceptors: [mesh.grpc.serverInterceptor()] } });
    keep({ close: async () => server.close() });
    const client = new TestService(`127.0.0.1:${server.port}`, credentials.createInsecure());
    keep({ close: async () => client.close() });
    expect((await unary(client)).response).toBeDefined();
    folder.write('a.yaml', authorizationPolicy('allow', '{}'));
    await expect.poll(async () => (await unary(client)).error?.code, { timeout: 5000 }).toBe(7);
    expect((await unary(client)).error?.details).toBe('RBAC: access denied');
  });
});
