import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { decide, type Incoming } from '../../test/inbound-support.js';
import { issuesOf } from '../../test/support.js';
import { convertFiles, formatIssue, loadConfig } from '../index.js';

function convert(...texts: string[]) {
  const files = texts.map((text, index) => ({ path: `${index}.yaml`, text }));
  const { yaml, notes } = convertFiles(files);
  const documents = parseAllDocuments(yaml).map((document): unknown => document.toJS());
  return { yaml, notes, documents };
}

const object = (apiVersion: string, kind: string, name: string, spec: string) => `---
apiVersion: ${apiVersion}
kind: ${kind}
metadata: { name: ${name}, namespace: default }
spec: ${spec}
`;
const rbac = (kind: string, name: string, spec: string) => object('rbac.istio.io/v1alpha1', kind, name, spec);
const policy = (spec: string) => object('authentication.istio.io/v1alpha1', 'Policy', 'auth', spec);
const web = object('v1', 'Service', 'web', '{ selector: { tier: front }, ports: [{ port: 80 }] }');

const role = rbac(
  'ServiceRole',
  'viewer',
  '{ rules: [{ services: [web.default.svc.cluster.local], methods: [GET, HEAD], paths: ["*"], constraints: [{ key: "request.headers[version]", values: [v1, v2] }] }] }',
);
const binding = (subject: string, more = '') =>
  rbac(
    'ServiceRoleBinding',
    'bind',
    `{ subjects: [${subject}], roleRef: { kind: ServiceRole, name: viewer } ${more} }`,
  );

describe('A role and its binding', () => {
  it('become one policy that allows', () => {
    const { documents } = convert(
      role + binding('{ user: "cluster.local/ns/a/sa/b", properties: { source.namespace: a } }'),
    );
    expect(documents).toEqual([
      {
        apiVersion: 'security.istio.io/v1',
        kind: 'AuthorizationPolicy',
        metadata: { name: 'bind', namespace: 'default' },
        spec: {
          action: 'ALLOW',
          rules: [
            {
              from: [{ source: { principals: ['cluster.local/ns/a/sa/b'], namespaces: ['a'] } }],
              to: [{ operation: { hosts: ['web.default.svc.cluster.local'], methods: ['GET', 'HEAD'] } }],
              when: [{ key: 'request.headers[version]', values: ['v1', 'v2'] }],
            },
          ],
        },
      },
    ]);
  });

  it('on trial stay on trial', () => {
    expect(convert(role + binding('{ user: "*" }', ', mode: PERMISSIVE')).documents).toMatchObject([
      { metadata: { annotations: { 'istio.io/dry-run': 'true' } } },
    ]);
  });

  it('keep a condition that has no form of today, so that the loader refuses it', () => {
    const { yaml, notes } = convert(role + binding('{ properties: { "destination.user": a } }'));
    expect(notes).toContainEqual(expect.stringContaining('the condition destination.user has to be written'));
    expect(issuesOf(yaml)).toEqual([expect.stringContaining('error: AuthorizationPolicy default/bind')]);
  });

  it('without each other lead to nothing but a note', () => {
    expect(convert(role)).toMatchObject({ yaml: '', notes: [expect.stringContaining('it can be deleted')] });
    expect(convert(binding('{ user: "*" }'))).toMatchObject({
      yaml: '',
      notes: [expect.stringContaining('no ServiceRole')],
    });
  });
});

describe('A RbacConfig', () => {
  const of = (spec: string) => convert(rbac('RbacConfig', 'default', spec) + web).documents;

  it('that is on allows nothing by itself', () => {
    expect(of('{ mode: ON }')).toMatchObject([
      { metadata: { name: 'allow-nothing', namespace: 'istio-system' }, spec: {} },
    ]);
    expect(of('{ mode: OFF }')).toEqual([]);
  });

  it('that is on for some is for them', () => {
    expect(
      of('{ mode: ON_WITH_INCLUSION, inclusion: { namespaces: [a], services: [web.default.svc.cluster.local] } }'),
    ).toMatchObject([
      { metadata: { namespace: 'a' }, spec: {} },
      { metadata: { namespace: 'default' }, spec: { selector: { matchLabels: { tier: 'front' } } } },
    ]);
    expect(of('{ mode: ON_WITH_EXCLUSION, exclusion: { namespaces: [a] } }')).toMatchObject([
      { metadata: { namespace: 'istio-system' }, spec: {} },
      { metadata: { namespace: 'a' }, spec: { action: 'ALLOW', rules: [{}] } },
    ]);
  });
});

describe('What cannot be read', () => {
  const refused = { documents: [], yaml: '' };

  it.each([
    '{ user: 12345 }',
    '{ names: { a: b } }',
    '{ usr: a }',
    '{}',
    '{ properties: { source.namespace: 5 } }',
    '{ user: "*", notGroups: [a] }',
  ])('of a subject %s admits nobody', (subject) => {
    const converted = convert(role + binding(subject));
    expect(converted).toMatchObject(refused);
    expect(converted.notes).toContainEqual(expect.stringContaining('ServiceRoleBinding bind is not converted: spec'));
  });

  it('of a binding without subjects admits nobody', () => {
    expect(convert(role + rbac('ServiceRoleBinding', 'bind', '{ roleRef: { name: viewer } }'))).toMatchObject(refused);
  });

  it.each([
    'methods: { a: 1 }',
    'methods: [1]',
    'paths: [1, null]',
    'paths: { b: 2 }',
    'verbs: [GET]',
    'constraints: [{ key: "request.headers[y]" }]',
    'constraints: [{ key: 7, values: [a] }]',
    'constraints: [{ key: source.ip, values: 5 }]',
  ])('of a role with %s admits nobody', (field) => {
    const other = rbac('ServiceRole', 'viewer', `{ rules: [{ services: ["*"], ${field} }] }`);
    const converted = convert(other + binding('{ user: u }'));
    expect(converted).toMatchObject(refused);
    expect(converted.notes).toContainEqual(expect.stringContaining('ServiceRole viewer: spec.rules[0]'));
  });

  it.each([
    ['{ mode: on }', 'its mode "on" is unknown'],
    ['{ mode: ON_WITH_INCLUSION, inclusion: { services: ["*"] } }', '"*" is no name'],
    ['{ mode: ON_WITH_INCLUSION, inclusion: { services: [a.b.svc.cluster.local] } }', 'is not known here'],
    ['{ mode: ON_WITH_INCLUSION, inclusion: { namespace: [a] } }', '"namespace" has no form of today'],
    ['{ mode: ON_WITH_INCLUSION }', 'its inclusion names nothing'],
  ])('of a RbacConfig %s closes the whole mesh', (spec, why) => {
    const { documents, notes } = convert(rbac('RbacConfig', 'default', spec));
    expect(documents).toMatchObject([{ metadata: { name: 'allow-nothing', namespace: 'istio-system' }, spec: {} }]);
    expect(notes).toEqual([expect.stringContaining(why)]);
  });

  it('of an exclusion excludes nothing', () => {
    const spec = '{ mode: ON_WITH_EXCLUSION, exclusion: { services: [a.b.svc.cluster.local] } }';
    expect(convert(rbac('RbacConfig', 'default', spec)).documents).toMatchObject([{ spec: {} }]);
  });

  it.each([
    '{ originIsOptional: "true" }',
    '{ peers: [{ mtls: { mode: strict } }] }',
    '{ peers: [{ mtls: { allowTls: true } }] }',
    '{ targets: [{ name: t, ports: [{ name: http }] }], peers: [{ mtls: {} }] }',
    '{ origins: [{ jwt: { issuer: a, triggerRules: [{ includedPaths: [{ exact: 5 }] }] } }] }',
    '{ origins: [{ jwt: { issuer: a, triggerRules: [{ includedPaths: [{ exact: "/a*" }] }] } }] }',
    '{ origins: [{ jwt: { issuer: a, triggerRules: [{ includedPaths: [{ exact: /a }] }] } }, { jwt: { issuer: b } }] }',
  ])('of an authentication Policy %s has it refused', (spec) => {
    const converted = convert(policy(spec));
    expect(converted).toMatchObject(refused);
    expect(converted.notes[0]).toContain('Policy auth is not converted');
  });
});

describe('An authentication Policy', () => {
  it('asks for a token where any of its trigger rules does', () => {
    const rules =
      '[{ includedPaths: [{ exact: /a }] }, { excludedPaths: [{ exact: /h }], includedPaths: [{ regex: x }] }]';
    const { documents } = convert(policy(`{ origins: [{ jwt: { issuer: i, triggerRules: ${rules} } }] }`));
    expect(documents).toContainEqual(
      expect.objectContaining({
        kind: 'AuthorizationPolicy',
        spec: {
          action: 'DENY',
          rules: [
            {
              from: [{ source: { notRequestPrincipals: ['*'] } }],
              to: [{ operation: { paths: ['/a'] } }, { operation: { notPaths: ['/h'] } }],
            },
          ],
        },
      }),
    );
  });

  it('asks for a token everywhere where one of its trigger rules does', () => {
    const rules = '[{ includedPaths: [{ exact: /a }] }, { excludedPaths: [{ regex: x }] }]';
    const { documents } = convert(policy(`{ origins: [{ jwt: { issuer: i, triggerRules: ${rules} } }] }`));
    expect(documents[2]).toMatchObject({ spec: { rules: [{ from: [{}] }] } });
    expect(JSON.stringify(documents[2])).not.toContain('"to"');
  });

  const jwt =
    '{ jwt: { issuer: a, jwksUri: "https://a/keys", triggerRules: [{ excludedPaths: [{ prefix: /health }] }] } }';

  it('becomes a policy of peers, one of tokens and one that asks for a token', () => {
    const { documents, notes } = convert(
      policy(`{ targets: [{ name: web }], peers: [{ mtls: {} }], origins: [${jwt}], principalBinding: USE_ORIGIN }`) +
        web,
    );
    const selector = { matchLabels: { tier: 'front' } };
    expect(documents).toMatchObject([
      { kind: 'PeerAuthentication', spec: { selector, mtls: { mode: 'STRICT' } } },
      { kind: 'RequestAuthentication', spec: { selector, jwtRules: [{ issuer: 'a', jwksUri: 'https://a/keys' }] } },
      {
        kind: 'AuthorizationPolicy',
        spec: {
          selector,
          action: 'DENY',
          rules: [
            {
              from: [{ source: { notRequestPrincipals: ['*'] } }],
              to: [{ operation: { notPaths: ['/health*'] } }],
            },
          ],
        },
      },
    ]);
    expect(notes).toEqual([]);
  });

  it.each([
    ['{ peers: [{ mtls: { mode: PERMISSIVE } }] }', { mtls: { mode: 'PERMISSIVE' } }],
    ['{ peers: [{ mtls: null }] }', { mtls: { mode: 'STRICT' } }],
    ['{}', { mtls: { mode: 'DISABLE' } }],
  ])('%s', (spec, expected) => {
    expect(convert(policy(spec)).documents).toMatchObject([{ spec: expected }]);
  });

  it('guesses what a Service selects by that is not there, and says so', () => {
    const { documents, notes } = convert(policy('{ targets: [{ name: web }], peers: [{ mtls: {} }] }'));
    expect(documents).toMatchObject([{ spec: { selector: { matchLabels: { app: 'web' } } } }]);
    expect(notes).toEqual([expect.stringContaining('is a guess')]);
  });
});

it('An old kind is an error that names its form of today', () => {
  expect(issuesOf(policy('{ peers: [{ mtls: {} }] }'))).toEqual([
    'a.yaml:3:1: error: Policy default/auth: kind: authentication.istio.io/v1alpha1 Policy is a kind of Istio before 1.6, and not carried out (`inmesh convert FILE` writes it as PeerAuthentication auth)',
  ]);
});

it('What is converted has no anchors, which other tools trip over', () => {
  const { yaml } = convert(
    role + binding('{ user: "a" }') + binding('{ user: "a" }') + policy('{ peers: [{ mtls: {} }] }') + web,
  );
  expect(yaml).not.toMatch(/[&*]a\d/);
});

it('What is converted is loaded without a word', () => {
  const { yaml } = convert(role + binding('{ user: "*" }') + policy('{ peers: [{ mtls: {} }] }') + web);
  expect(loadConfig([{ path: 'a.yaml', text: yaml }]).issues.map(formatIssue)).toEqual([]);
});

describe('Bookinfo as it was secured with Istio 1.4', () => {
  const service = (name: string) =>
    object('v1', 'Service', name, `{ selector: { app: ${name} }, ports: [{ port: 9080 }] }`);
  const services = ['productpage', 'details', 'reviews', 'ratings'].map(service).join('');
  const apps = '[productpage, details, reviews, ratings]';
  const on = `---
apiVersion: rbac.istio.io/v1alpha1
kind: ClusterRbacConfig
metadata: { name: default }
spec: { mode: ON_WITH_INCLUSION, inclusion: { namespaces: [default] } }
`;
  const bind = (name: string, user: string, role: string) =>
    rbac(
      'ServiceRoleBinding',
      name,
      `{ subjects: [{ user: "${user}" }], roleRef: { kind: ServiceRole, name: ${role} } }`,
    );

  /** Whether a workload may be called, by the converted objects and nothing else. */
  function decisionsOf(...old: string[]) {
    const { yaml, notes } = convert(services + old.join(''));
    expect(notes).toEqual([]);
    expect(loadConfig([{ path: 'a.yaml', text: yaml }]).issues.map(formatIssue)).toEqual([]);
    return (app: string, incoming: Incoming) =>
      decide(yaml, incoming, { namespace: 'default', labels: { app } }) === 'pass';
  }

  it('lets everybody read, by labels of the destination', () => {
    const viewer = rbac(
      'ServiceRole',
      'service-viewer',
      `{ rules: [{ services: ["*"], methods: [GET], constraints: [{ key: "destination.labels[app]", values: ${apps} }] }] }`,
    );
    const allows = decisionsOf(on, viewer, bind('bind-service-viewer', '*', 'service-viewer'));
    expect(allows('reviews', { from: null })).toBe(true);
    expect(allows('productpage', { authority: 'anything' })).toBe(true);
    expect(allows('productpage', { method: 'POST' })).toBe(false);
    expect(allows('other', {})).toBe(false);
  });

  it('lets each service call the next', () => {
    const reviews = 'cluster.local/ns/default/sa/bookinfo-reviews';
    const role = (name: string) =>
      rbac(
        'ServiceRole',
        `${name}-viewer`,
        `{ rules: [{ services: [${name}.default.svc.cluster.local], methods: [GET] }] }`,
      );
    const allows = decisionsOf(
      ...[on, role('productpage'), bind('bind-productpage-viewer', '*', 'productpage-viewer')],
      ...[role('ratings'), bind('bind-ratings', reviews, 'ratings-viewer')],
    );
    expect(allows('productpage', { from: null })).toBe(true);
    expect(allows('ratings', { from: reviews, authority: 'ratings:9080' })).toBe(true);
    expect(allows('ratings', { from: reviews, method: 'DELETE' })).toBe(false);
    expect(allows('ratings', { from: 'cluster.local/ns/default/sa/bookinfo-productpage' })).toBe(false);
    expect(allows('details', {})).toBe(false);
  });

  it('takes mutual TLS of the whole mesh', () => {
    const mesh = `---
apiVersion: authentication.istio.io/v1alpha1
kind: MeshPolicy
metadata: { name: default }
spec: { peers: [{ mtls: {} }] }
`;
    const allows = decisionsOf(mesh);
    expect(allows('reviews', {})).toBe(true);
    expect(allows('reviews', { from: null })).toBe(false);
  });
});
