import { describe, expect, it } from 'vitest';
import { issuesOf, load, loadWith, routesOf, service, virtualService } from '../../test/support.js';

const shop = service('shop', 80, 8080);
const at80 = 'shop.default.svc.cluster.local:80';
const cluster = 'outbound|80||shop.default.svc.cluster.local';
const toShop = 'backendRefs: [{ name: shop, port: 80 }]';

function httpRoute(rules: string, parent = '{ kind: Service, group: "", name: shop }', metadata = 'name: r'): string {
  return `---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { ${metadata} }
spec:
  parentRefs: [${parent}]
  rules: [${rules}]
`;
}

const matching = (...matches: string[]) => `{ matches: [${matches.join(', ')}], ${toShop} }`;

describe('The rules of an HTTPRoute', () => {
  it('have different names', () => {
    const rule = `{ name: same, ${toShop} }`;
    expect(issuesOf(shop, httpRoute(`${rule}, ${rule}`))).toEqual([
      expect.stringContaining('spec.rules[1].name: the name "same" is used by another rule'),
    ]);
  });
});

describe('The order of HTTPRoute matches', () => {
  it('is exact, longest prefix, method, headers, query parameters, whatever the order of the rules', () => {
    const config = load(
      shop,
      httpRoute(
        [
          matching('{ queryParams: [{ name: q, value: "1" }] }'),
          matching('{ headers: [{ name: a, value: "1" }] }'),
          matching('{ headers: [{ name: a, value: "1" }, { name: b, value: "1" }] }'),
          matching('{ method: GET }'),
          matching('{ path: { value: /a } }'),
          matching('{ path: { type: RegularExpression, value: "/x.*" } }'),
          matching('{ path: { value: /a/b } }'),
          matching('{ path: { type: Exact, value: /a } }'),
        ].join(', '),
      ),
    );
    const routes = config.resources.routes.get(at80)!.virtualHosts[0]!.routes;
    expect(
      routes.map(({ match }) => [match?.pathSpecifier.value, match?.headers.length, match?.queryParameters.length]),
    ).toEqual([
      ['/a', 0, 0],
      ['/a/b', 0, 0],
      ['/a/b/', 0, 0],
      ['/a', 0, 0],
      ['/a/', 0, 0],
      ['/', 1, 0],
      ['/', 2, 0],
      ['/', 1, 0],
      ['/', 0, 1],
      [expect.objectContaining({ regex: '/x.*' }), 0, 0],
    ]);
  });

  it('lets the older route win between equals', () => {
    const younger = httpRoute('{ matches: [{ path: { value: /a } }] }', undefined, 'name: a');
    const older = httpRoute(
      matching('{ path: { value: /a/ } }'),
      undefined,
      'name: b, creationTimestamp: "2026-01-01"',
    );
    expect(routesOf(load(shop, younger, older), at80)).toEqual([
      `path /a -> ${cluster}`,
      `prefix /a/ -> ${cluster}`,
      'path /a -> inmesh-invalid-backend 1',
      'prefix /a/ -> inmesh-invalid-backend 1',
    ]);
  });
});

describe('A backend of an HTTPRoute', () => {
  it('that is not there takes its share with it', () => {
    const config = load(
      shop,
      httpRoute('{ backendRefs: [{ name: gone, port: 80 }, { name: shop, port: 80, weight: 3 }] }'),
    );
    expect(routesOf(config, at80)).toEqual([`prefix / -> inmesh-invalid-backend 1 + ${cluster} 3`]);
    expect([...config.resources.clusters.keys()]).toContain('inmesh-invalid-backend');
    expect(config.issues).toMatchObject([{ severity: 'warning', field: 'spec.rules[0].backendRefs[0].name' }]);
  });

  it.each([
    ['[{ name: gone, port: 80 }]', 1],
    ['[{ name: shop, port: 81 }]', 1],
    ['[{ name: shop }]', 1],
    ['[{ name: shop, port: 80, weight: 0 }]', 0],
    ['[{ name: shop, kind: Bucket, port: 80 }]', 1],
    ['[]', 0],
  ])('that cannot take a request, alone, is answered with 500: %s', (refs, warnings) => {
    const config = load(shop, httpRoute(`{ backendRefs: ${refs} }`));
    expect(routesOf(config, at80)).toEqual(['prefix / -> inmesh-invalid-backend 1']);
    expect(config.issues).toHaveLength(warnings);
  });

  it('in another namespace needs a grant', () => {
    const other = service('other', 80).replace('name: other', 'name: other, namespace: finance');
    const route = httpRoute('{ backendRefs: [{ name: other, namespace: finance, port: 80 }] }');
    const grant = (name: string) => `---
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: { name: g, namespace: finance }
spec:
  from: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: default }]
  to: [{ group: "", kind: Service, name: ${name} }]
`;
    expect(routesOf(load(shop, other, route), at80)).toEqual(['prefix / -> inmesh-invalid-backend 1']);
    expect(routesOf(load(shop, other, route, grant('else')), at80)).toEqual(['prefix / -> inmesh-invalid-backend 1']);
    expect(routesOf(load(shop, other, route, grant('other')), at80)).toEqual([
      'prefix / -> outbound|80||other.finance.svc.cluster.local',
    ]);
  });
});

describe('An HTTPRoute', () => {
  it('is for the port that it names, by number or by name', () => {
    for (const parent of ['port: 8080', 'sectionName: http-8080']) {
      const config = load(
        shop,
        httpRoute(
          matching('{ path: { type: Exact, value: /a } }'),
          `{ kind: Service, group: "", name: shop, ${parent} }`,
        ),
      );
      expect(routesOf(config, 'shop.default.svc.cluster.local:8080')).toEqual([`path /a -> ${cluster}`]);
      expect(routesOf(config, at80)).toEqual([`prefix / -> ${cluster}`]);
    }
  });

  it.each([
    ['{ name: edge }', /parentRefs\[0\]: routes for a Gateway are not supported yet/],
    ['{ kind: Service, group: "", name: ghost }', /parentRefs\[0\]\.name: there is no Service "ghost"/],
    ['{ kind: Service, group: "", name: shop, port: 1 }', /parentRefs\[0\]: .* has no such port: ignored \(known: 80/],
  ])('that is bound to nothing of the mesh is ignored with a warning: %s', (parent, expected) => {
    const config = load(shop, httpRoute(matching('{}'), parent));
    expect(config.issues).toHaveLength(1);
    expect(issuesOf(shop, httpRoute(matching('{}'), parent))[0]).toMatch(expected);
    expect(config.issues[0]?.severity).toBe('warning');
  });

  it('of another namespace than its Service is for the clients of that namespace, and counts for them alone', () => {
    const parent = '{ kind: Service, group: "", name: shop, namespace: default }';
    const consumer = httpRoute('{ name: consumer }', parent, 'name: r, namespace: b');
    const producer = httpRoute(matching('{ path: { type: Exact, value: /producer } }'));
    const grantless = 'prefix / -> inmesh-invalid-backend 1';
    const routesFor = (namespace: string, ...texts: string[]) =>
      routesOf(loadWith({ client: { namespace } }, shop, ...texts), at80);
    expect(routesFor('b', consumer, producer)).toEqual([grantless]);
    expect(routesFor('default', consumer, producer)).toEqual([`path /producer -> ${cluster}`]);
    expect(routesFor('default', consumer)).toEqual([`prefix / -> ${cluster}`]);
    expect(issuesOf(shop, consumer, producer)).toEqual([]);
  });

  it('of another namespace leaves the ports that it is not for to the routes of the Service', () => {
    const parent = '{ kind: Service, group: "", name: shop, namespace: default, port: 8080 }';
    const consumer = httpRoute('{}', parent, 'name: r, namespace: b');
    const producer = httpRoute(matching('{ path: { type: Exact, value: /producer } }'));
    const config = loadWith({ client: { namespace: 'b' } }, shop, consumer, producer);
    expect(routesOf(config, at80)).toEqual([`path /producer -> ${cluster}`]);
    expect(routesOf(config, 'shop.default.svc.cluster.local:8080')).toEqual(['prefix / -> inmesh-invalid-backend 1']);
  });

  it('gives way to a VirtualService', () => {
    const vs = virtualService('    - match: [{ uri: { exact: /vs } }]\n      route: [{ destination: { host: shop } }]');
    const config = load(shop, httpRoute(matching('{}')), vs);
    expect(routesOf(config, at80)).toEqual([`path /vs -> ${cluster}`]);
    expect(config.issues).toMatchObject([{ severity: 'warning', object: 'HTTPRoute default/r' }]);
  });

  it.each([
    ['{ matches: [{ path: { value: a } }] }', /rules\[0\]\.matches\[0\]\.path\.value: "a" must begin with "\/"/],
    [
      '{ matches: [{ headers: [{ name: a, value: "(", type: RegularExpression }] }] }',
      /headers\[0\]\.value: "\(" is not a valid/,
    ],
    ['{ timeouts: { request: 1.5s } }', /rules\[0\]\.timeouts\.request: "1\.5s" is not a duration/],
    ['{ backendRefs: [{ name: shop, prt: 80 }] }', /backendRefs\[0\]\.prt: is not a field .* \(did you mean "port"/],
  ])('is refused: %s', (rules, expected) => {
    const errors = load(shop, httpRoute(rules)).issues.filter(({ severity }) => severity === 'error');
    expect(errors).toHaveLength(1);
    expect(issuesOf(shop, httpRoute(rules)).find((issue) => issue.includes('error:'))).toMatch(expected);
  });
});
