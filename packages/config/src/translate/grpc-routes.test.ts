import { decodeResources } from '@inmesh/xds';
import { describe, expect, it } from 'vitest';
import { issuesOf, load, loadWith, routesOf, service, virtualService } from '../../test/support.js';

const httpShop = service('shop', 80, 8080);
const shop = httpShop.replaceAll('http-', 'grpc-');
const at80 = 'shop.default.svc.cluster.local:80';
const at8080 = 'shop.default.svc.cluster.local:8080';
const cluster = 'outbound|80||shop.default.svc.cluster.local';
const toShop = 'backendRefs: [{ name: shop, port: 80 }]';
const parentShop = '{ kind: Service, group: "", name: shop, namespace: default }';

function route(kind: 'GRPCRoute' | 'HTTPRoute', rules: string, parent = parentShop, metadata = 'name: r'): string {
  return `---
apiVersion: gateway.networking.k8s.io/v1
kind: ${kind}
metadata: { ${metadata} }
spec:
  parentRefs: [${parent}]
  rules: [${rules}]
`;
}

const grpcRoute = (rules: string, parent?: string, metadata?: string) => route('GRPCRoute', rules, parent, metadata);
const matching = (...matches: string[]) => `{ matches: [${matches.join(', ')}], ${toShop} }`;

function decoded(rules: string, ...others: string[]) {
  const { resources, errors } = decodeResources(load(shop, grpcRoute(rules), ...others).resources);
  expect(errors).toEqual([]);
  return resources.routes.get(at80)!.virtualHosts[0]!.routes;
}

describe('A match of a GRPCRoute', () => {
  it.each([
    ['method: { service: a.B, method: C }', 'exact /a.B/C'],
    ['method: { type: Exact, service: a.B }', 'prefix /a.B/'],
    ['method: { method: C }', 'regex /[^/]+/(?:C)'],
    ['method: { type: RegularExpression, service: "a|b", method: "G.*" }', 'regex /(?:a|b)/(?:G.*)'],
    ['method: { type: RegularExpression, service: "a.*" }', 'regex /(?:a.*)/[^/]+'],
    ['headers: [{ name: a, value: b }]', 'prefix /'],
    ['', 'prefix /'],
  ])('is of a path: %s', (match, expected) => {
    const { path } = decoded(matching(`{ ${match} }`))[0]!.match;
    expect(`${path.kind} ${path.kind === 'regex' ? path.regex.source : path.value}`).toBe(expected);
  });

  it('is of calls of gRPC alone, whatever else it asks for', () => {
    const [first, all] = decoded(matching('{ headers: [{ name: A, value: b }, { name: a, value: ignored }] }, {}'));
    expect(first!.match.headers.map(({ name }) => name)).toEqual(['a', 'content-type']);
    const { test } = all!.match.headers[0]!;
    const takes = (type: string) =>
      test.kind === 'string' && test.matcher.kind === 'regex' && test.matcher.regex.matches(type);
    const types = ['application/grpc', 'application/grpc+proto', 'application/grpc-web', 'application/json'];
    expect(types.filter(takes)).toEqual(types.slice(0, 2));
  });
});

describe('A GRPCRoute', () => {
  it('is warned where its port has other requests too, which have no route then', () => {
    const at = parentShop.replace('}', ', port: 80 }');
    expect(issuesOf(httpShop, grpcRoute(matching('{}'), at))).toEqual([
      expect.stringContaining(
        'spec.parentRefs: port 80 (http-80) of shop.default.svc.cluster.local is not one of gRPC',
      ),
    ]);
    expect(issuesOf(shop, grpcRoute(matching('{}'), at))).toEqual([]);
  });
});

describe('The order of GRPCRoute matches', () => {
  it('is characters of the service, of the method, headers, and expressions after names', () => {
    const config = load(
      shop,
      grpcRoute(
        [
          matching('{}'),
          matching('{ headers: [{ name: a, value: "1" }] }'),
          matching('{ method: { type: RegularExpression, service: "long.expression.*" } }'),
          matching('{ method: { type: RegularExpression, service: "long.expression.*", method: Get } }'),
          matching('{ method: { method: Get } }'),
          matching('{ method: { service: a.B } }'),
          matching('{ method: { service: a.B, method: Get } }'),
          matching('{ method: { service: a.B, method: GetAll } }'),
          matching('{ method: { service: a.Bc } }'),
          matching('{ method: { service: a.B }, headers: [{ name: a, value: "1" }] }'),
        ].join(', '),
      ),
    );
    expect(routesOf(config, at80).map((text) => text.slice(0, text.indexOf(' -> ')))).toEqual([
      'prefix /a.Bc/',
      'path /a.B/GetAll',
      'path /a.B/Get',
      'prefix /a.B/',
      'prefix /a.B/',
      expect.stringContaining('"/[^/]+/(?:Get)"'),
      expect.stringContaining('"/(?:long.expression.*)/(?:Get)"'),
      expect.stringContaining('"/(?:long.expression.*)/[^/]+"'),
      'prefix /',
      'prefix /',
    ]);
  });

  it('lets the older route win between equals, then the name', () => {
    const younger = grpcRoute('{ name: younger }', undefined, 'name: a');
    const byName = grpcRoute('{ name: byName }', undefined, 'name: b');
    const older = grpcRoute('{ name: older }', undefined, 'name: c, creationTimestamp: "2026-01-01"');
    const { resources } = load(shop, byName, younger, older);
    const names = resources.routes.get(at80)!.virtualHosts[0]!.routes.map(({ name }) => name);
    expect(names).toEqual(['older', 'younger', 'byName']);
  });
});

describe('A backend of a GRPCRoute', () => {
  it('that is not there is UNAVAILABLE for its share', () => {
    const [first] = decoded('{ backendRefs: [{ name: gone, port: 80 }, { name: shop, port: 80, weight: 3 }] }');
    expect(first!.action.kind === 'forward' && first!.action.targets).toMatchObject([
      { cluster: 'inmesh-invalid-backend', weight: 1, fault: { abort: { grpcStatus: 14, perMillion: 1_000_000 } } },
      { cluster, weight: 3 },
    ]);
  });

  it('in another namespace needs a grant for GRPCRoutes', () => {
    const other = service('other', 80).replace('name: other', 'name: other, namespace: finance');
    const rules = '{ backendRefs: [{ name: other, namespace: finance, port: 80 }] }';
    const grant = (kind: string) => `---
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: { name: g, namespace: finance }
spec:
  from: [{ group: gateway.networking.k8s.io, kind: ${kind}, namespace: default }]
  to: [{ group: "", kind: Service }]
`;
    const config = load(shop, other, grpcRoute(rules), grant('HTTPRoute'));
    expect(routesOf(config, at80)).toEqual(['prefix / -> inmesh-invalid-backend 1']);
    expect(config.issues[0]?.message).toMatch(/no ReferenceGrant in finance allows GRPCRoutes of default/);
    expect(routesOf(load(shop, other, grpcRoute(rules), grant('GRPCRoute')), at80)).toEqual([
      'prefix / -> outbound|80||other.finance.svc.cluster.local',
    ]);
  });
});

describe('The filters of a GRPCRoute', () => {
  it('change headers, for the rule and for a backend, and send copies', () => {
    const set = (name: string) => `set: [{ name: ${name}, value: "5%" }]`;
    const [first] = decoded(`{
      filters: [
        { type: RequestHeaderModifier, requestHeaderModifier: { ${set('a')} } },
        { type: ResponseHeaderModifier, responseHeaderModifier: { remove: [b] } },
        { type: RequestMirror, requestMirror: { backendRef: { name: shop, port: 8080 }, percent: 10 } },
      ],
      backendRefs: [
        { name: shop, port: 80, filters: [{ type: RequestHeaderModifier, requestHeaderModifier: { ${set('c')} } }] },
      ],
    }`);
    expect(first).toMatchObject({
      requestHeaders: [{ write: [{ name: 'a', value: [{ kind: 'text', text: '5%' }] }] }],
      action: {
        targets: [{ requestHeaders: { write: [{ name: 'c' }] } }],
        mirrors: [{ cluster: 'outbound|8080||shop.default.svc.cluster.local', perMillion: 100_000 }],
      },
    });
    expect(first!.responseHeaders).toMatchObject([{ remove: ['b'] }]);
  });
});

describe('A GRPCRoute', () => {
  it('is for the port that it names', () => {
    const config = load(
      shop,
      grpcRoute(
        matching('{ method: { service: a, method: B } }'),
        `{ kind: Service, group: "", name: shop, port: 8080 }`,
      ),
    );
    expect(routesOf(config, at8080)).toEqual([`path /a/B -> ${cluster}`]);
    expect(routesOf(config, at80)).toEqual([`prefix / -> ${cluster}`]);
  });

  it('of another namespace than its Service is for the clients of that namespace', () => {
    const consumer = grpcRoute('{ name: consumer }', parentShop, 'name: r, namespace: b');
    const producer = grpcRoute(matching('{ method: { service: a, method: B } }'));
    const routesFor = (namespace: string) =>
      routesOf(loadWith({ client: { namespace } }, shop, consumer, producer), at80);
    expect(routesFor('b')).toEqual(['prefix / -> inmesh-invalid-backend 1']);
    expect(routesFor('default')).toEqual([`path /a/B -> ${cluster}`]);
  });

  it('gives way to a VirtualService', () => {
    const vs = virtualService('    - match: [{ uri: { exact: /vs } }]\n      route: [{ destination: { host: shop } }]');
    const config = load(shop, grpcRoute(matching('{}')), vs);
    expect(routesOf(config, at80)).toEqual([`path /vs -> ${cluster}`]);
    expect(config.issues).toMatchObject([{ severity: 'warning', object: 'GRPCRoute default/r' }]);
  });

  it.each([
    ['{ matches: [{ method: {} }] }', /rules\[0\]\.matches\[0\]\.method: has neither service nor method/],
    ['{ matches: [{ method: { service: a/b } }] }', /method\.service: "a\/b" is not the name of a service \(like shop/],
    ['{ matches: [{ method: { method: a.b } }] }', /method\.method: "a\.b" is not the name of a method/],
    ['{ matches: [{ method: { type: RegularExpression, service: "(" } }] }', /method\.service: "\(" is not a valid/],
    ['{ matches: [{ method: { type: Prefix, service: a } }] }', /method\.type: "Prefix" is none of/],
    [
      '{ filters: [{ type: ExtensionRef, extensionRef: {} }] }',
      /filters\[0\]\.type: "ExtensionRef" is not supported yet/,
    ],
    ['{ name: a }, { name: a }', /rules\[1\]\.name: the name "a" is used by another rule/],
    ['{ timeouts: { request: 1s } }', /rules\[0\]\.timeouts: is not a field/],
  ])('is refused: %s', (rules, expected) => {
    const errors = issuesOf(shop, grpcRoute(rules)).filter((issue) => issue.includes('error:'));
    expect(errors).toEqual([expect.stringMatching(expected)]);
  });
});

describe('An HTTPRoute beside a GRPCRoute', () => {
  const grpc = (parent?: string, metadata?: string) =>
    grpcRoute(matching('{ method: { service: a } }'), parent, metadata);
  const http = (parent?: string, metadata?: string) =>
    route('HTTPRoute', matching('{ path: { type: Exact, value: /http } }'), parent, metadata);

  it('of the same port does not count, and is told so', () => {
    const config = load(shop, http(undefined, 'name: h, creationTimestamp: "2020-01-01"'), grpc());
    expect(routesOf(config, at80)).toEqual([`prefix /a/ -> ${cluster}`]);
    expect(config.issues).toMatchObject([
      {
        severity: 'warning',
        object: 'HTTPRoute default/h',
        field: 'spec.parentRefs[0].port',
        message: expect.stringMatching(/has the rules of GRPCRoute default\/r .* on port 80, 8080: ignored$/),
        isReference: true,
      },
    ]);
  });

  it('keeps the ports that are not taken from it', () => {
    const config = load(shop, http(), grpc('{ kind: Service, group: "", name: shop, port: 8080 }', 'name: g'));
    expect(routesOf(config, at80)).toEqual([`path /http -> ${cluster}`]);
    expect(routesOf(config, at8080)).toEqual([`prefix /a/ -> ${cluster}`]);
    expect(config.issues).toMatchObject([
      { severity: 'warning', field: 'spec.parentRefs', message: expect.stringMatching(/on port 8080: ignored there$/) },
    ]);
  });

  it('of another namespace is for other clients', () => {
    const consumer = http(parentShop, 'name: r, namespace: b');
    const routesFor = (namespace: string) =>
      routesOf(loadWith({ client: { namespace } }, shop, consumer, grpc()), at80);
    expect(routesFor('b')).toEqual(['path /http -> inmesh-invalid-backend 1']);
    expect(routesFor('default')).toEqual([`prefix /a/ -> ${cluster}`]);
    expect(load(shop, consumer, grpc()).issues).toMatchObject([{ field: 'spec.rules[0].backendRefs[0].name' }]);
  });
});
