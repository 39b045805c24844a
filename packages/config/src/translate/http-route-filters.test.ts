import { decodeResources } from '@inmesh/xds';
import { describe, expect, it } from 'vitest';
import { issuesOf, load, service } from '../../test/support.js';

const shop = service('shop', 8080);
const name = 'shop.default.svc.cluster.local:8080';

const httpRoute = (rule: string) => `---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: r }
spec: { parentRefs: [{ kind: Service, group: "", name: shop }], rules: [{ ${rule} }] }
`;

const toShop = 'backendRefs: [{ name: shop, port: 8080 }]';
const withFilter = (...filters: string[]) => `filters: [${filters.join(', ')}], ${toShop}`;
const redirect = (fields: string) => `filters: [{ type: RequestRedirect, requestRedirect: { ${fields} } }]`;
const rewrite = (fields: string) => `{ type: URLRewrite, urlRewrite: { ${fields} } }`;

function routesOf(rule: string) {
  const config = load(shop, httpRoute(rule));
  expect(config.issues).toEqual([]);
  const { resources, errors } = decodeResources(config.resources);
  expect(errors).toEqual([]);
  return resources.routes.get(name)!.virtualHosts[0]!.routes;
}

describe('The redirect of an HTTPRoute', () => {
  it('has the status 302, and by default the port that was dialled', () => {
    expect(routesOf(redirect('hostname: a.com'))[0]?.action).toMatchObject({
      httpStatus: 302,
      host: 'a.com',
      port: 8080,
    });
  });

  it('has the port of the scheme that it names', () => {
    expect(routesOf(redirect('scheme: https'))[0]?.action).toMatchObject({ scheme: 'https', port: 443 });
    expect(routesOf(redirect('scheme: https, hostname: a.com'))[0]?.action).toMatchObject({ port: undefined });
  });
});

describe('A prefix that is replaced', () => {
  /** Gateway API `HTTPPathModifier`, its table. */
  it.each([
    ['/foo/bar', '/foo', '/xyz', '/xyz/bar'],
    ['/foo/bar', '/foo', '/xyz/', '/xyz/bar'],
    ['/foo/bar', '/foo/', '/xyz', '/xyz/bar'],
    ['/foo/bar', '/foo/', '/xyz/', '/xyz/bar'],
    ['/foo', '/foo', '/xyz', '/xyz'],
    ['/foo/', '/foo', '/xyz', '/xyz/'],
    ['/foo/bar', '/foo', '', '/bar'],
    ['/foo/', '/foo', '', '/'],
    ['/foo', '/foo', '', '/'],
    ['/foo/', '/foo', '/', '/'],
    ['/foo', '/foo', '/', '/'],
    ['/a', '/', '/xyz', '/xyz/a'],
  ])('makes of %s, by %s -> "%s", %s', (path, prefix, replacement, expected) => {
    const filter = rewrite(`path: { type: ReplacePrefixMatch, replacePrefixMatch: "${replacement}" }`);
    const routes = routesOf(`matches: [{ path: { value: ${prefix} } }], ${withFilter(filter)}`);
    const route = routes.find(({ match: { path: matcher } }) =>
      matcher.kind === 'exact' ? matcher.value === path : matcher.kind === 'prefix' && path.startsWith(matcher.value),
    );
    const action = route?.action.kind === 'forward' ? route.action.pathRewrite : undefined;
    const matched = route?.match.path.kind === 'regex' ? '' : (route?.match.path.value ?? '');
    expect(action?.kind === 'prefix' && action.value + path.slice(matched.length)).toBe(expected);
  });
});

it('A full path is replaced as it is written, with backslashes', () => {
  const filter = rewrite('path: { type: ReplaceFullPath, replaceFullPath: "/a\\\\1" }');
  const action = routesOf(withFilter(filter))[0]?.action;
  const found = action?.kind === 'forward' ? action.pathRewrite : undefined;
  expect(found?.kind === 'regex' && found.rewrite.rewrite('/x/y')).toBe('/a\\1');
});

it('A header is sent as it is written, with percent signs', () => {
  const filter = '{ type: RequestHeaderModifier, requestHeaderModifier: { set: [{ name: A, value: "%REQ(x)% 5%" }] } }';
  expect(routesOf(withFilter(filter))[0]?.requestHeaders).toMatchObject([
    { write: [{ name: 'a', value: [{ kind: 'text', text: '%REQ(x)% 5%' }] }] },
  ]);
});

it.each([
  ['', 1_000_000],
  [', percent: 3', 30_000],
  [', percent: 0', undefined],
  [', fraction: { numerator: 1 }', 10_000],
  [', fraction: { numerator: 1, denominator: 8 }', 125_000],
  [', fraction: { numerator: 9, denominator: 8 }', 1_000_000],
])('A copy%s is sent of %s in a million requests', (share, expected) => {
  const filter = `{ type: RequestMirror, requestMirror: { backendRef: { name: shop, port: 8080 }${share} } }`;
  const action = routesOf(withFilter(filter))[0]?.action;
  expect(action?.kind === 'forward' && action.mirrors[0]?.perMillion).toBe(expected);
});

it('A backend that is not there is a 500 for its share', () => {
  const config = load(shop, httpRoute('backendRefs: [{ name: ghost, port: 1 }, { name: shop, port: 8080 }]'));
  const { resources } = decodeResources(config.resources);
  const action = resources.routes.get(name)!.virtualHosts[0]!.routes[0]!.action;
  expect(action.kind === 'forward' && action.targets).toMatchObject([
    { weight: 1, fault: { abort: { httpStatus: 500, perMillion: 1_000_000 } } },
    { weight: 1 },
  ]);
});

describe('A mistake in a filter', () => {
  const header = '{ type: RequestHeaderModifier, requestHeaderModifier: { set: [{ name: a, value: b }] } }';
  const prefix = 'path: { type: ReplacePrefixMatch, replacePrefixMatch: / }';
  it.each([
    [withFilter('{ type: URLRewrite }'), 'filters[0].urlRewrite: must be given for the type URLRewrite'],
    [
      withFilter('{ type: CORS, cors: {}, urlRewrite: {} }'),
      'filters[0].urlRewrite: is not for a filter of the type CORS',
    ],
    [withFilter('{ type: ExtensionRef, extensionRef: {} }'), 'filters[0].type: "ExtensionRef" is not supported yet'],
    [withFilter('{ type: ExternalAuth, externalAuth: { a: 1 } }'), 'filters[0].type: "ExternalAuth" is not supported'],
    [withFilter('{ type: Nope }'), 'filters[0].type: "Nope" is none of'],
    [withFilter('{}'), 'filters[0].type: is missing'],
    [withFilter(header, header), 'filters[1].type: RequestHeaderModifier is there twice'],
    [withFilter(header.replace('b }', 'b }, { name: A, value: c }')), 'set[1].name: the header "A" is changed twice'],
    [withFilter(header.replace('name: a', 'name: a b')), 'set[0].name: "a b" is not the name of an HTTP header'],
    [`${redirect('hostname: a.com')}, ${toShop}`, 'filters[0].requestRedirect: stands beside backendRefs'],
    [redirect('hostname: "*.a.com"'), 'requestRedirect.hostname: "*.a.com" may have'],
    [redirect('statusCode: 300'), 'filters[0].requestRedirect.statusCode: 300 is none of 301, 302, 303, 307, 308'],
    [
      redirect(prefix).replace('}]', `}, ${rewrite('hostname: b.com')}]`),
      'filters[1].urlRewrite: means nothing beside',
    ],
    [withFilter(rewrite('path: { type: ReplaceFullPath }')), 'urlRewrite.path.replaceFullPath: must be given for the'],
    [
      `matches: [{ path: { type: Exact, value: /a } }], ${withFilter(rewrite(prefix))}`,
      'urlRewrite.path.type: replaces a prefix, but not every match of the rule is a PathPrefix',
    ],
    [
      withFilter(
        '{ type: RequestMirror, requestMirror: { backendRef: { name: shop }, percent: 1, fraction: { numerator: 1 } } }',
      ),
      'requestMirror: only one of percent, fraction may be given',
    ],
    [
      `backendRefs: [{ name: shop, port: 8080, filters: [${rewrite('hostname: b.com')}] }]`,
      'backendRefs[0].filters[0].type: "URLRewrite" is not supported yet: for a single backend only headers are changed',
    ],
  ])('is an error with its field: %s', (rule, expected) => {
    const errors = issuesOf(shop, httpRoute(rule)).filter((issue) => issue.includes(': error: '));
    expect(errors).toEqual([expect.stringContaining(expected)]);
    expect(errors[0]).toContain(': HTTPRoute default/r: spec.rules[0].');
  });
});
