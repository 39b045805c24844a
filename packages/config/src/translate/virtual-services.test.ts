import { describe, expect, it } from 'vitest';
import { issuesOf, load, loadWith, routesOf, service, virtualService } from '../../test/support.js';
import type { ClientView } from '../client.js';

const shop = service('shop', 80, 8080);
const at80 = 'shop.default.svc.cluster.local:80';
const at8080 = 'shop.default.svc.cluster.local:8080';
const cluster = (port: number, subset = '') => `outbound|${port}|${subset}|shop.default.svc.cluster.local`;

function rule(route: string, more = ''): string {
  return virtualService(`    - ${more}route: [${route}]`);
}

describe('A destination', () => {
  it('without a port is the port that was dialled', () => {
    const config = load(shop, rule('{ destination: { host: shop } }'));
    expect(routesOf(config, at80)).toEqual([`prefix / -> ${cluster(80)}`]);
    expect(routesOf(config, at8080)).toEqual([`prefix / -> ${cluster(8080)}`]);
  });

  it('without a port is the only port of a Service that has not the one that was dialled', () => {
    const config = load(shop, service('other', 7), rule('{ destination: { host: other } }'));
    expect(routesOf(config, at80)).toEqual(['prefix / -> outbound|7||other.default.svc.cluster.local']);
  });

  it('without a port is an error when several could be meant', () => {
    expect(issuesOf(shop, service('other', 1, 2), rule('{ destination: { host: other } }'))).toEqual([
      expect.stringMatching(
        /error: .*destination\.port: must be given for calls to port 8080: .* has port 1, 2 \(add port/,
      ),
      expect.stringMatching(/error: .*destination\.port: must be given for calls to port 80: /),
    ]);
  });

  it.each([
    ['{ host: shop, port: { number: 81 } }', /destination\.port\.number: there is no port 81: .* has port 80, 8080/],
    ['{ host: shopp }', /destination\.host: no Service .* "shopp\.default.* \(did you mean "shop\.default\.svc/],
    ['{ host: shop.other }', /destination\.host: no Service .* \(did you mean "shop\.default\.svc/],
    ['{ host: shop, subset: v1 }', /destination\.subset: no DestinationRule has the subset "v1" .* must define it/],
    ['{ subset: v1 }', /destination\.host: is missing/],
  ])('that is not there is an error: %s', (destination, expected) => {
    const [issue] = issuesOf(shop, rule(`{ destination: ${destination} }`));
    expect(issue).toMatch(/^b\.yaml:8:\d+: error: VirtualService default\/shop: spec\.http\[0\]\.route\[0\]\./);
    expect(issue).toMatch(expected);
  });
});

describe('A header to match', () => {
  it.each(['headers', 'withoutHeaders'])('must have a name that a request can carry: %s', (field) => {
    const match = (name: string) =>
      rule('{ destination: { host: shop } }', `match: [{ ${field}: { ${name}: {} } }]\n      `);
    const place = new RegExp(`^b\\.yaml:8:\\d+: error: .*match\\[0\\]\\.${field}\\[.*\\]: `);
    for (const name of ['""', '"x y"', '"a:"', '"é"']) {
      expect(issuesOf(shop, match(name))).toEqual([expect.stringMatching(place)]);
    }
    for (const name of ['X-User', '":method"', 'a_b.c~']) expect(issuesOf(shop, match(name))).toEqual([]);
  });
});

describe('The weights of a rule', () => {
  const both = (a: string, b: string) =>
    rule(
      `{ destination: { host: shop, port: { number: 80 } }${a} }, { destination: { host: shop, port: { number: 8080 } }${b} }`,
    );

  it('divide the requests, and zero takes no part', () => {
    expect(routesOf(load(shop, both(', weight: 2', ', weight: 1')), at80)).toEqual([
      `prefix / -> ${cluster(80)} 2 + ${cluster(8080)} 1`,
    ]);
    expect(routesOf(load(shop, both(', weight: 2', ', weight: 0')), at80)).toEqual([`prefix / -> ${cluster(80)}`]);
    expect(routesOf(load(shop, rule('{ destination: { host: shop }, weight: 0 }')), at80)).toEqual([
      `prefix / -> ${cluster(80)}`,
    ]);
  });

  it.each([
    [', weight: 0', ', weight: 0', /route: the weights of its destinations sum to zero/],
    ['', '', /route: the weights of its destinations sum to zero/],
    [', weight: -1', ', weight: 2', /route\[0\]\.weight: must not be negative, is -1/],
    [', weight: 4294967295', ', weight: 1', /route: the weights of its destinations sum to 4294967296/],
  ])('are refused: %s%s', (a, b, expected) => {
    expect(issuesOf(shop, both(a, b))).toEqual([expect.stringMatching(expected)]);
  });
});

describe('The rules of a VirtualService', () => {
  it('end at the first one that matches everything, and what follows is said to be unreachable', () => {
    const rules = `    - match: [{ uri: { prefix: / } }]
      route: [{ destination: { host: shop } }]
    - route: [{ destination: { host: shop } }]`;
    expect(routesOf(load(shop, virtualService(rules)), at80)).toHaveLength(1);
    expect(issuesOf(shop, virtualService(rules))).toEqual([
      expect.stringMatching(/^b\.yaml:10:7: warning: .*spec\.http\[1\]: is never reached: http\[0\]/),
    ]);
  });

  it('are as if there were none at a port that they are not for', () => {
    const config = load(
      shop,
      rule('{ destination: { host: shop } }', 'match: [{ port: 80, uri: { exact: /a } }]\n      '),
    );
    expect(config.issues).toEqual([]);
    expect(routesOf(config, at80)).toEqual([`path /a -> ${cluster(80)}`]);
    expect(routesOf(config, at8080)).toEqual([`prefix / -> ${cluster(8080)}`]);
  });

  it('that are for a gateway alone do not count in the mesh', () => {
    const config = load(
      shop,
      rule(
        '{ destination: { host: shop } }',
        'match: [{ gateways: [g], uri: { exact: /a } }, { uri: { exact: /b } }]\n      ',
      ),
    );
    expect(routesOf(config, at80)).toEqual([`path /b -> ${cluster(80)}`]);
  });

  it.each([
    ['    - timeout: 5s', /http\[0\]: has no route/],
    [
      '    - match: [{ headers: { "@request.auth.claims.sub": { exact: a } } }]\n      route: [{ destination: { host: shop } }]',
      /claims/,
    ],
    [
      '    - match: [{ uri: { regex: "(" } }]\n      route: [{ destination: { host: shop } }]',
      /uri\.regex: "\(" is not a valid RE2/,
    ],
    [
      '    - match: [{ uri: { prefix: "" } }]\n      route: [{ destination: { host: shop } }]',
      /uri\.prefix: must not be empty/,
    ],
    [
      '    - timeout: 1 s\n      route: [{ destination: { host: shop } }]',
      /http\[0\]\.timeout: "1 s" is not a duration/,
    ],
  ])('are refused with a reason: case %#', (rules, expected) => {
    expect(issuesOf(shop, virtualService(rules))).toEqual([expect.stringMatching(expected)]);
  });
});

describe('Several VirtualServices', () => {
  const older = rule('{ destination: { host: shop, port: { number: 80 } } }').replace(
    'name: shop',
    'name: older, creationTimestamp: "2026-01-01T00:00:00Z"',
  );

  it('for one host: the oldest counts, and the other is told so', () => {
    const config = load(shop, rule('{ destination: { host: shop, port: { number: 8080 } } }'), older);
    expect(routesOf(config, at8080)).toEqual([`prefix / -> ${cluster(80)}`]);
    expect(config.issues).toMatchObject([{ severity: 'warning', file: 'b.yaml', field: 'spec.hosts[0]' }]);
  });

  it('for a host and for a wildcard: the narrower one counts', () => {
    const wild = older.replace('hosts: [shop]', 'hosts: ["*"]');
    const config = load(shop, service('other', 80), wild, rule('{ destination: { host: shop } }'));
    expect(config.issues).toEqual([]);
    expect(routesOf(config, at8080)).toEqual([`prefix / -> ${cluster(8080)}`]);
    expect(routesOf(config, 'other.default.svc.cluster.local:80')).toEqual([`prefix / -> ${cluster(80)}`]);
  });

  it('of which one is for a host that is not there: it is said not to be used', () => {
    const unused = rule('{ destination: { host: shop } }').replace('hosts: [shop]', 'hosts: [ghost]');
    expect(issuesOf(shop, unused)).toEqual([
      expect.stringMatching(/warning: .*spec\.hosts\[0\]: no Service .*: not used/),
    ]);
  });
});

describe('A mistake in a rule', () => {
  it('is found even where no call comes to it', () => {
    const rules = `    - route: [{ destination: { host: shop } }]
    - route: [{ destination: { host: shop, subset: v9 } }]`;
    expect(issuesOf(shop, virtualService(rules))).toEqual([
      expect.stringMatching(/warning: .*http\[1\]: is never reached/),
      expect.stringMatching(/error: .*http\[1\]\.route\[0\]\.destination\.subset: .*"v9"/),
    ]);
  });

  it('is not said of a port that its rule is not for', () => {
    const rules = `    - match: [{ port: 80 }]
      route: [{ destination: { host: other } }]`;
    expect(issuesOf(shop, service('other', 80, 81), virtualService(rules))).toEqual([]);
  });
});

describe('A VirtualService', () => {
  const exported = (to: string) =>
    rule('{ destination: { host: shop, port: { number: 80 } } }').replace(
      'hosts: [shop]',
      `hosts: [shop]\n  exportTo: ${to}`,
    );
  const usedBy = (namespace: string, to: string) =>
    routesOf(loadWith({ client: { namespace } }, shop, exported(to)), at8080)[0] === `prefix / -> ${cluster(80)}`;

  it.each([
    ['["*"]', true, true],
    ['["."]', true, false],
    ['[other]', false, true],
    ['[default, other]', true, true],
    ['[third]', false, false],
  ])('that is exported to %s is for clients there', (to, inDefault, inOther) => {
    expect([usedBy('default', to), usedBy('other', to)]).toEqual([inDefault, inOther]);
  });

  it('that is not for the client leaves the host to a younger one', () => {
    const hidden = exported('[other]').replace('name: shop', 'name: a, creationTimestamp: "2026-01-01T00:00:00Z"');
    const config = load(shop, hidden, rule('{ destination: { host: shop } }'));
    expect(config.issues).toEqual([]);
    expect(routesOf(config, at8080)).toEqual([`prefix / -> ${cluster(8080)}`]);
  });

  it('tells which traits of a client have made a difference', () => {
    const match = 'match: [{ sourceLabels: { app: api }, sourceNamespace: x }]\n      ';
    const { client } = load(shop, rule('{ destination: { host: shop } }', match));
    expect(client).toMatchObject({ namespace: true, labels: new Set(['app']) });
  });
});

describe('The source of a match', () => {
  const rules = (match: string) =>
    rule('{ destination: { host: shop, port: { number: 8080 } } }', `match: [${match}]\n      `);
  const holdsFor = (match: string, client: ClientView) =>
    routesOf(loadWith({ client }, shop, rules(match)), at80)[0] === `prefix / -> ${cluster(8080)}`;

  it.each([
    ['{ sourceLabels: { app: web } }', true],
    ['{ sourceLabels: { app: web, tier: front } }', false],
    ['{ sourceLabels: { app: api } }', false],
    ['{ sourceNamespace: default }', true],
    ['{ sourceNamespace: other }', false],
    ['{ sourceLabels: { app: web }, sourceNamespace: other }', false],
    ['{ sourceLabels: { app: api } }, { sourceNamespace: default }', true],
  ])('is compared with the client: %s', (match, expected) => {
    expect(holdsFor(match, { namespace: 'default', labels: { app: 'web' } })).toBe(expected);
  });

  it('never makes a rule one that matches every request', () => {
    const text = `    - match: [{ sourceNamespace: default }]
      route: [{ destination: { host: shop } }]
    - route: [{ destination: { host: shop } }]`;
    expect(issuesOf(shop, virtualService(text))).toEqual([]);
  });
});
