import { toBinary } from '@bufbuild/protobuf';
import type { ResourceSet } from '@inmesh/xds';
import { ListenerSchema } from '@inmesh/xds/messages';
import { describe, expect, it } from 'vitest';
import { decide, type Incoming, inboundOf, policy } from '../../../test/inbound-support.js';
import { issuesOf, load, loadWith } from '../../../test/support.js';

const allow = (rule: string) => policy(`{ rules: [${rule}] }`);
const deny = (rule: string) => policy(`{ action: DENY, rules: [${rule}] }`);
const name = 'ns[default]-policy[p]-rule[0]';

/** Of a rule that allows and of the same rule that denies. */
function matches(rule: string, incoming: Incoming): boolean {
  const isAllowed = decide(allow(rule), incoming) === 'pass';
  expect(decide(deny(rule), incoming)).toBe(isAllowed ? name : 'pass');
  return isAllowed;
}

/** Texts stand in it as they are. */
function bytesOf({ listeners }: ResourceSet): string {
  return new TextDecoder().decode(toBinary(ListenerSchema, listeners.get('virtualInbound')!));
}

const source = (fields: string) => `{ from: [{ source: { ${fields} } }] }`;
const operation = (fields: string) => `{ to: [{ operation: { ${fields} } }] }`;
const when = (key: string, values: string) => `{ when: [{ key: "${key}", ${values} }] }`;

const token = {
  issuer: 'https://issuer.example',
  subject: 'me',
  claims: {
    iss: 'https://issuer.example',
    sub: 'me',
    aud: ['web'],
    azp: 'app',
    groups: ['a', 'b'],
    realm: { role: 'admin' },
  },
};

describe('A source', () => {
  it.each<[string, Incoming, boolean]>([
    ['principals: [cluster.local/ns/default/sa/reviews]', {}, true],
    ['principals: [cluster.local/ns/default/sa/review]', {}, false],
    ['principals: ["*"]', {}, true],
    ['principals: ["*"]', { from: null }, false],
    ['principals: ["*/sa/reviews"]', {}, true],
    ['principals: ["cluster.local/ns/default/*"]', {}, true],
    ['principals: ["cluster.local/ns/prod/*"]', {}, false],
    ['notPrincipals: ["*"]', { from: null }, true],
    ['namespaces: [default]', {}, true],
    ['namespaces: [fault]', {}, false],
    ['namespaces: ["def*"]', {}, true],
    ['namespaces: [default]', { from: null }, false],
    ['notNamespaces: [default]', {}, false],
    ['serviceAccounts: [reviews]', {}, true],
    ['serviceAccounts: [default/reviews]', {}, true],
    ['serviceAccounts: [prod/reviews]', {}, false],
    ['serviceAccounts: [review]', {}, false],
    ['notServiceAccounts: [ratings]', {}, true],
    ['ipBlocks: [10.0.0.0/8]', {}, true],
    ['ipBlocks: [10.0.0.9]', { remoteAddress: '10.0.0.8' }, false],
    ['notIpBlocks: [10.0.0.9]', {}, false],
    ['remoteIpBlocks: [192.168.0.0/16]', { sourceAddress: '192.168.3.4' }, true],
    ['notRemoteIpBlocks: [192.168.0.0/16]', { sourceAddress: '192.168.3.4' }, false],
    ['requestPrincipals: ["*"]', { token }, true],
    ['requestPrincipals: ["*"]', {}, false],
    ['requestPrincipals: ["https://issuer.example/me"]', { token }, true],
    ['requestPrincipals: ["https://issuer.example/*"]', { token }, true],
    ['requestPrincipals: ["*/you"]', { token }, false],
    ['requestPrincipals: ["*/me"]', { token }, true],
    ['notRequestPrincipals: ["*"]', {}, true],
    ['principals: ["*"], namespaces: [prod]', {}, false],
  ])('with %s, and a request %j: %s', (fields, incoming, expected) => {
    expect(matches(source(fields), incoming)).toBe(expected);
  });
});

describe('An operation', () => {
  it.each<[string, Incoming, boolean]>([
    ['hosts: [Web]', { authority: 'wEB' }, true],
    ['hosts: ["*.example"]', { authority: 'a.EXAMPLE' }, true],
    ['hosts: ["web:*"]', { authority: 'web:80' }, true],
    ['notHosts: [web]', { authority: 'other' }, true],
    ['methods: [GET]', { method: 'get' }, false],
    ['methods: ["*"]', { method: 'DELETE' }, true],
    ['notMethods: [GET]', {}, false],
    ['ports: ["80"]', {}, true],
    ['ports: ["81"]', {}, false],
    ['notPorts: ["80"]', {}, false],
    ['paths: [/admin]', { path: '/admin?x=1' }, true],
    ['paths: ["/admin/*"]', { path: '/admin/a/b' }, true],
    ['paths: ["/admin/*"]', { path: '/administrator' }, false],
    ['paths: ["*/secret"]', { path: '/a/secret' }, true],
    ['paths: ["*"]', { path: '/' }, true],
    ['notPaths: [/admin]', { path: '/admin' }, false],
    ['paths: ["/users/{*}/files"]', { path: '/users/me/files' }, true],
    ['paths: ["/users/{*}/files"]', { path: '/users/me/you/files' }, false],
    ['paths: ["/files/{**}"]', { path: '/files/a/b' }, true],
    ['paths: ["/files/{**}/raw"]', { path: '/files/a/b/raw' }, true],
    ['paths: ["/files/{**}/raw"]', { path: '/files/a/b' }, false],
  ])('with %s, and a request %j: %s', (fields, incoming, expected) => {
    expect(matches(operation(fields), incoming)).toBe(expected);
  });
});

describe('A condition', () => {
  it.each<[string, string, Incoming, boolean]>([
    ['request.headers[X-Version]', 'values: [v1, "v2*"]', { headers: { 'x-version': 'v2.1' } }, true],
    ['request.headers[X-Version]', 'values: [v1]', {}, false],
    ['request.headers[x-version]', 'notValues: ["*"]', {}, true],
    ['source.ip', 'values: [10.0.0.9]', {}, true],
    ['remote.ip', 'notValues: [10.0.0.0/24]', {}, false],
    ['source.namespace', 'values: [default]', {}, true],
    ['source.principal', 'values: ["*/sa/reviews"]', {}, true],
    ['source.serviceAccount', 'values: [default/reviews]', {}, true],
    ['request.auth.principal', 'values: ["*/me"]', { token }, true],
    ['request.auth.audiences', 'values: [web]', { token }, true],
    ['request.auth.presenter', 'values: [app]', { token }, true],
    ['request.auth.claims[groups]', 'values: [b]', { token }, true],
    ['request.auth.claims[groups]', 'values: [c]', { token }, false],
    ['request.auth.claims[realm][role]', 'values: ["adm*"]', { token }, true],
    ['request.auth.claims[groups]', 'notValues: [b]', {}, true],
    ['destination.ip', 'values: [10.0.0.0/24]', {}, true],
    ['destination.port', 'values: ["81"]', {}, false],
    ['connection.sni', 'values: ["outbound_.80_*"]', { serverName: 'outbound_.80_._.web' }, true],
  ])('on %s, %s, and a request %j: %s', (key, values, incoming, expected) => {
    expect(matches(when(key, values), incoming)).toBe(expected);
  });
});

describe('Policies', () => {
  it('without rules match nothing, so that one that allows refuses all', () => {
    expect(decide(policy('{}'))).toBe('nothing allows it');
    expect(decide(policy('{ rules: [{}] }'))).toBe('pass');
    expect(decide(policy('{}') + policy('{ rules: [{}] }', 'q'))).toBe('pass');
  });

  it('deny before others allow, and note before both', () => {
    const all = policy('{ rules: [{}] }', 'a') + policy('{ action: DENY, rules: [{}] }', 'd');
    expect(decide(all)).toBe('ns[default]-policy[d]-rule[0]');
    const kinds = inboundOf(all + policy('{ action: AUDIT, rules: [{}] }', 'n'))!.chains[0]!.filters;
    expect(kinds.map((filter) => filter.kind === 'rbac' && filter.rules.action)).toEqual(['log', 'deny', 'allow']);
  });

  it('on trial are told and not carried out', () => {
    const tried = policy('{ action: DENY, rules: [{}] }').replace(
      'namespace: default }',
      'namespace: default, annotations: { istio.io/dry-run: "true" } }',
    );
    expect(inboundOf(tried)!.chains[0]!.filters).toMatchObject([{ kind: 'rbac', shadow: true }]);
    expect(decide(tried)).toBe('pass');
  });

  it('mean the mesh’s own trust domain by cluster.local', () => {
    const rule = policy('{ rules: [{ from: [{ source: { principals: [cluster.local/ns/a/sa/b, x/ns/a/sa/b] } }] }] }');
    const { resources } = loadWith({ trustDomain: 'corp' }, rule);
    const text = bytesOf(resources);
    expect(text).toContain('spiffe://corp/ns/a/sa/b');
    expect(text).toContain('spiffe://x/ns/a/sa/b');
    expect(text).not.toContain('spiffe://cluster.local');
  });

  it.each([
    ['of the root namespace', policy('{}', 'p', 'istio-system'), { namespace: 'other' }, true],
    ['of its own namespace', policy('{}'), { namespace: 'default' }, true],
    ['of another namespace', policy('{}'), { namespace: 'other' }, false],
    [
      'that select it',
      policy('{ selector: { matchLabels: { app: a } } }'),
      { namespace: 'default', labels: { app: 'a' } },
      true,
    ],
    [
      'that select another',
      policy('{ selector: { matchLabels: { app: a } } }'),
      { namespace: 'default', labels: { app: 'b' } },
      false,
    ],
    [
      'that select it mesh-wide',
      policy('{ selector: { matchLabels: { app: a } } }', 'p', 'istio-system'),
      { namespace: 'x', labels: { app: 'a' } },
      true,
    ],
  ])('%s are for a workload, or not', (_which, text, client, isFor) => {
    expect(inboundOf(text, client) !== undefined).toBe(isFor);
    expect(loadWith({ client }, text).client.labels.has('app')).toBe(text.includes('app: a'));
  });

  it('may stand in another root namespace', () => {
    const options = { rootNamespace: 'mesh', client: { namespace: 'a' } };
    expect(loadWith(options, policy('{}', 'p', 'mesh')).resources.listeners.has('virtualInbound')).toBe(true);
    expect(loadWith(options, policy('{}', 'p', 'istio-system')).resources.listeners.size).toBe(0);
  });
});

describe('A mistake in an AuthorizationPolicy is an error:', () => {
  it.each([
    ['{ action: DENY }', 'DENY without rules never matches'],
    ['{ rules: [{ from: [] }] }', 'rules[0].from: must not be empty'],
    ['{ rules: [{ from: [{ source: {} }] }] }', 'source: says nothing'],
    ['{ rules: [{ to: [{ operation: {} }] }] }', 'operation: says nothing'],
    [`{ rules: [${source('principals: []')}] }`, 'principals: must not be empty'],
    [`{ rules: [${source('principals: ["a*b"]')}] }`, 'as its first or last character only'],
    [`{ rules: [${source('ipBlocks: [10.0.0.0/33]')}] }`, 'is no IP address and no range'],
    [`{ rules: [${source('serviceAccounts: ["a/*"]')}] }`, 'is not of the form name or namespace/name'],
    [`{ rules: [${source('serviceAccounts: ["a("]')}] }`, 'is not of the form name or namespace/name'],
    ['{ rules: [{ when: [{ key: source.namespace, values: ["a("] }] }] }', 'is not the name of a namespace'],
    ['{ rules: [{ when: [{ key: source.serviceAccount, values: ["a["] }] }] }', 'is not of the form name'],
    [`{ rules: [${source('serviceAccounts: [a], namespaces: [b]')}] }`, 'may not stand beside'],
    [`{ rules: [${operation('ports: ["0"]')}] }`, 'is no port from 1 to 65535'],
    [`{ rules: [${operation('ports: [80]')}] }`, 'should be a text'],
    [`{ rules: [${operation('paths: ["/a/{x}/{*}"]')}] }`, 'only {*} and {**} may stand for one'],
    [`{ rules: [${operation('paths: ["/{**}/{*}"]')}] }`, '{**} has to be the last wildcard'],
    [
      `{ rules: [${operation('paths: ["/{*}/a b"]')}] }`,
      '"a b" has a character that a segment of a template cannot have',
    ],
    [`{ rules: [${when('source.ipp', 'values: [a]')}] }`, '"source.ipp" is no condition'],
    [`{ rules: [${when('source.ip', 'values: [a]')}] }`, 'is no IP address'],
    [`{ rules: [${when('source.ip', '')}] }`, 'has neither values nor notValues'],
    [`{ rules: [${when('experimental.envoy.filters.a[b]', 'values: [a]')}] }`, 'is not supported'],
    [`{ rules: [${when('destination.labels[a]', 'values: [a]')}] }`, 'use selector.matchLabels'],
    ['{ targetRefs: [{ kind: Service, name: a }] }', 'it means a waypoint or a gateway'],
    ['{ rules: [{}], provider: { name: a } }', 'is for CUSTOM alone'],
    ['{ action: CUSTOM, rules: [{}] }', 'CUSTOM has to name who decides'],
    ['{ action: CUSTOM, rules: [{}], provider: { name: a } }', 'no file has an extension provider "a"'],
  ])('%s', (spec, message) => {
    const issues = issuesOf(policy(spec));
    expect(issues).toEqual([expect.stringContaining(message)]);
    expect(issues[0]).toContain('error:');
  });
});

it.each([
  ['BASE', undefined],
  ['MERGE_SLASHES', 'mergeSlashes'],
  ['DECODE_AND_MERGE_SLASHES', 'decodeAndMergeSlashes'],
])('Paths are normalised as the mesh says: %s', (normalization, expected) => {
  const mesh = `---
apiVersion: install.istio.io/v1alpha1
kind: IstioOperator
metadata: { name: a }
spec: { meshConfig: { pathNormalization: { normalization: ${normalization} } } }
`;
  expect(inboundOf(mesh + policy('{}'))!.chains[0]!.pathNormalization).toBe(expected);
});

describe('A CUSTOM policy', () => {
  const provider = (fields = 'service: authz.default.svc.cluster.local, port: 80') => `---
apiVersion: install.istio.io/v1alpha1
kind: IstioOperator
metadata: { name: a }
spec: { meshConfig: { extensionProviders: [{ name: a, envoyExtAuthzHttp: { ${fields} } }, { name: b, envoyExtAuthzGrpc: { service: authz.default.svc.cluster.local, port: 80 } }] } }
---
apiVersion: v1
kind: Service
metadata: { name: authz }
spec: { ports: [{ name: http, port: 80 }] }
`;
  const ask = (of: string, name: string) =>
    policy(`{ action: CUSTOM, provider: { name: ${of} }, rules: [{ to: [{ operation: { paths: ["/a*"] } }] }] }`, name);

  it('asks about the requests that it matches', () => {
    expect(inboundOf(provider() + ask('a', 'c'))!.chains[0]!.filters).toMatchObject([
      {
        kind: 'externalAuthorization',
        authorization: {
          service: { kind: 'http', cluster: 'outbound|80||authz.default.svc.cluster.local' },
          timeoutMs: 600_000,
          failOpen: false,
          statusOnError: 403,
          when: { policies: [{ name: 'istio-ext-authz-ns[default]-policy[c]-rule[0]' }] },
        },
      },
    ]);
  });

  it('has to ask a host that is known, on a port of it', () => {
    expect(issuesOf(provider('service: nobody.example, port: 80'))).toEqual([
      expect.stringContaining('no Service and no ServiceEntry has the host "nobody.example"'),
    ]);
    expect(issuesOf(provider('service: authz.default.svc.cluster.local, port: 81'))).toEqual([
      expect.stringContaining('has no port 81 (known: 80)'),
    ]);
  });

  it('refuses what it matches where two providers are asked for one workload', () => {
    const { issues, resources } = load(provider() + ask('a', 'c') + ask('b', 'd'));
    expect(issues).toMatchObject([{ severity: 'error', field: 'spec.provider.name' }]);
    const text = bytesOf(resources);
    expect(text).toContain('istio-ext-authz-ns[default]-policy[d]-rule[0]');
    expect(text).not.toContain('ext_authz.v3');
  });

  it('is told of another provider for the same workload wherever both stand, and where they meet by chance alone', () => {
    const custom = (name: string, of: string, labels: string) =>
      policy(
        `{ selector: { matchLabels: { ${labels} } }, action: CUSTOM, provider: { name: ${of} }, rules: [{}] }`,
        name,
        'prod',
      );
    const sure = provider() + custom('c', 'a', 'app: x') + custom('d', 'b', 'app: x, version: v1');
    expect(load(sure).issues).toMatchObject([{ severity: 'error', object: 'AuthorizationPolicy prod/d' }]);
    const chance = provider() + custom('c', 'a', 'app: x') + custom('d', 'b', 'version: v1');
    const of = (labels: Record<string, string>) => loadWith({ client: { namespace: 'prod', labels } }, chance);
    expect([load(chance).issues, of({ app: 'x' }).issues]).toEqual([[], []]);
    const both = of({ app: 'x', version: 'v1' });
    expect(both.issues).toMatchObject([{ severity: 'warning', object: 'AuthorizationPolicy prod/d' }]);
    const text = bytesOf(both.resources);
    expect(['c', 'd'].every((name) => text.includes(`istio-ext-authz-ns[prod]-policy[${name}]-rule[0]`))).toBe(true);
    expect(text).not.toContain('ext_authz.v3');
  });
});
