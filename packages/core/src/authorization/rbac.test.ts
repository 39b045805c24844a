import { describe, expect, it } from 'vitest';
import type { Permission, Principal, RbacRules } from '../model/authorization.js';
import type { InboundConnection, VerifiedToken } from '../model/peer.js';
import type { StringMatcher } from '../model/route.js';
import { testCall } from '../testing/builders.js';
import { compileRbac } from './rbac.js';

const any = { kind: 'any' } as const;
const exact = (value: string): StringMatcher => ({ kind: 'exact', value, ignoreCase: false });
const prefix = (value: string): StringMatcher => ({ kind: 'prefix', value, ignoreCase: false });

const reviews = 'spiffe://cluster.local/ns/default/sa/reviews';

const connection: InboundConnection = {
  isTls: true,
  peer: { spiffeId: reviews, trustDomain: 'cluster.local', namespace: 'default', serviceAccount: 'reviews' },
  serverName: 'outbound_.9080_._.ratings',
  localAddress: '10.0.0.2',
  localPort: 9080,
  remoteAddress: '10.0.0.1',
};

const token: VerifiedToken = {
  issuer: 'https://issuer',
  subject: 'me',
  audiences: [],
  presenter: '',
  claims: { group: ['a', 'b'], realm: { role: 'admin' }, count: 7 },
};

function incoming(init: Parameters<typeof testCall>[0] = {}, came: Partial<InboundConnection> = {}) {
  const call = testCall({ method: 'GET', path: '/info?x=1', authority: 'ratings:9080', ...init });
  call.connection = { ...connection, ...came };
  call.sourceAddress = '192.168.1.1';
  return call;
}

function policy(permission: Permission, principal: Principal, name = 'p') {
  return { name, permissions: [permission], principals: [principal] };
}

function matches(permission: Permission, principal: Principal, call = incoming()): boolean {
  const engine = compileRbac({ action: 'allow', policies: [policy(permission, principal)] });
  return engine(call).allowed;
}

describe('the action', () => {
  const rules = (action: RbacRules['action'], matched: boolean): RbacRules => ({
    action,
    policies: [policy(matched ? any : { kind: 'not', permission: any }, any, 'p')],
  });

  it.each([
    ['allow', true, true],
    ['allow', false, false],
    ['deny', true, false],
    ['deny', false, true],
    ['log', true, true],
    ['log', false, true],
  ] as const)('%s, where a policy matches: %s, lets the call pass: %s', (action, matched, allowed) => {
    expect(compileRbac(rules(action, matched))(incoming())).toEqual({ allowed, policy: matched ? 'p' : undefined });
  });

  it('without a policy refuses all or nothing', () => {
    expect(compileRbac({ action: 'allow', policies: [] })(incoming()).allowed).toBe(false);
    expect(compileRbac({ action: 'deny', policies: [] })(incoming()).allowed).toBe(true);
  });

  it('names the first policy that matches, by name', () => {
    const policies = [policy(any, any, 'z'), policy(any, any, 'a')];
    expect(compileRbac({ action: 'deny', policies })(incoming()).policy).toBe('a');
  });
});

describe('permissions', () => {
  const header = (name: string, value: string): Permission => ({
    kind: 'header',
    matcher: { name, test: { kind: 'string', matcher: exact(value) }, invert: false, treatMissingAsEmpty: false },
  });

  it.each<[string, Permission, boolean]>([
    ['method', header(':method', 'GET'), true],
    ['other method', header(':method', 'POST'), false],
    ['path without its query', { kind: 'path', matcher: { kind: 'exact', value: '/info', ignoreCase: false } }, true],
    ['port', { kind: 'destinationPort', port: 9080 }, true],
    ['other port', { kind: 'destinationPort', port: 80 }, false],
    ['port range', { kind: 'destinationPortRange', start: 9080, end: 9081 }, true],
    ['port range that ends before', { kind: 'destinationPortRange', start: 9000, end: 9080 }, false],
    ['address', { kind: 'destinationIp', range: { address: '10.0.0.0', prefixLength: 24 } }, true],
    ['server name', { kind: 'serverName', matcher: prefix('outbound_.9080') }, true],
    ['all', { kind: 'all', permissions: [any, header(':method', 'POST')] }, false],
    ['one of', { kind: 'oneOf', permissions: [header(':method', 'POST'), any] }, true],
    ['not', { kind: 'not', permission: any }, false],
    ['template', { kind: 'pathTemplate', template: { template: '/{*}', matches: (path) => path === '/info' } }, true],
  ])('are of the %s', (_what, permission, expected) => {
    expect(matches(permission, any)).toBe(expected);
  });
});

describe('principals', () => {
  it('are proved by a certificate', () => {
    const principal: Principal = { kind: 'authenticated', matcher: exact(reviews) };
    expect(matches(any, principal)).toBe(true);
    expect(matches(any, { kind: 'authenticated', matcher: prefix('spiffe://cluster.local/ns/other/') })).toBe(false);
    expect(matches(any, { kind: 'authenticated', matcher: undefined })).toBe(true);
    const plain = incoming({}, { isTls: false, peer: undefined });
    expect(matches(any, { kind: 'authenticated', matcher: undefined }, plain)).toBe(false);
    expect(matches(any, principal, plain)).toBe(false);
  });

  it('are addresses, of the connection or of the client behind proxies', () => {
    const range = { address: '192.168.0.0', prefixLength: 16 };
    expect(matches(any, { kind: 'remoteIp', range })).toBe(true);
    expect(matches(any, { kind: 'directRemoteIp', range })).toBe(false);
  });

  it('are claims of a token', () => {
    const call = incoming();
    call.token = token;
    const claim = (path: string[], matcher: StringMatcher, kind: 'string' | 'listContains' = 'string'): Principal => ({
      kind: 'claim',
      matcher: { path, value: { kind, matcher } },
    });
    expect(matches(any, claim(['realm', 'role'], exact('admin')), call)).toBe(true);
    expect(matches(any, claim(['group'], exact('b'), 'listContains'), call)).toBe(true);
    expect(matches(any, claim(['group'], exact('c'), 'listContains'), call)).toBe(false);
    expect(matches(any, claim(['count'], exact('7')), call)).toBe(false);
    expect(matches(any, claim(['constructor', 'name'], exact('Object')), call)).toBe(false);
    expect(matches(any, claim(['realm', 'role'], exact('admin')))).toBe(false);
  });

  it('combine', () => {
    const nobody: Principal = { kind: 'not', principal: any };
    expect(matches(any, { kind: 'all', principals: [any, nobody] })).toBe(false);
    expect(matches(any, { kind: 'oneOf', principals: [nobody, any] })).toBe(true);
  });
});

describe('a connection that nobody knows the ends of any more', () => {
  const range = { address: '10.0.0.0', prefixLength: 8 };
  const gone = incoming({}, { peer: undefined, remoteAddress: '', localAddress: '', localPort: 0 });
  gone.sourceAddress = '';

  it.each<[string, Permission, Principal]>([
    ['address', any, { kind: 'directRemoteIp', range }],
    ['client', any, { kind: 'remoteIp', range }],
    ['peer', any, { kind: 'authenticated', matcher: exact(reviews) }],
    ['port', { kind: 'destinationPort', port: 80 }, any],
    ['ports', { kind: 'destinationPortRange', start: 80, end: 90 }, any],
    ['own address', { kind: 'destinationIp', range }, any],
  ])('meets what refuses by its %s, and nothing that admits', (_what, permission, principal) => {
    const allows = (action: 'allow' | 'deny', of: Permission, by: Principal) =>
      compileRbac({ action, policies: [policy(of, by)] })(gone).allowed;
    expect([allows('deny', permission, principal), allows('allow', permission, principal)]).toEqual([false, false]);
    const isOfPrincipal = permission.kind === 'any';
    const others = isOfPrincipal ? any : ({ kind: 'not', permission } as const);
    const strangers = isOfPrincipal ? ({ kind: 'not', principal } as const) : any;
    expect([allows('deny', others, strangers), allows('allow', others, strangers)]).toEqual([false, false]);
  });
});
