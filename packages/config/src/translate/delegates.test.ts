import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { issuesOf, load, routesOf, service } from '../../test/support.js';
import type { HttpMatch } from '../schema/virtual-service.js';
import { joinMatches } from './delegate-matches.js';

const shop = service('shop', 80);
const at80 = 'shop.default.svc.cluster.local:80';
const cluster = 'outbound|80||shop.default.svc.cluster.local';
const toShop = 'route: [{ destination: { host: shop.default.svc.cluster.local } }]';

function virtualService(name: string, spec: string, namespace = 'default'): string {
  return `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${name}, namespace: ${namespace} }
spec: { ${spec} }
`;
}

const root = (rule = 'delegate: { name: part }') => virtualService('root', `hosts: [shop], http: [{ ${rule} }]`);
const part = (rule = toShop, more = '', namespace?: string) =>
  virtualService('part', `http: [{ ${rule} }]${more}`, namespace);

describe('A rule that delegates', () => {
  it('stands for the rules of the other, which it gives what they have not', () => {
    const config = load(
      shop,
      root('name: a, timeout: 3s, delegate: { name: part }'),
      virtualService(
        'part',
        `http: [{ name: b, match: [{ uri: { exact: /x } }], timeout: 1s, ${toShop} }, { ${toShop} }]`,
      ),
    );
    expect(config.issues).toEqual([]);
    expect(routesOf(config, at80)).toEqual([`path /x -> ${cluster}`, `prefix / -> ${cluster}`]);
    const routes = config.resources.routes.get(at80)?.virtualHosts[0]?.routes;
    expect(routes?.map(({ name, action }) => [name, action.case === 'route' && action.value.timeout?.seconds])).toEqual(
      [
        ['a-b', 1n],
        ['a', 3n],
      ],
    );
  });

  it('gives no copies to a rule that has its own, whichever way each is written', () => {
    const mirror = 'mirror: { host: shop }, mirrorPercent: 1';
    const mirrors = 'mirrors: [{ destination: { host: shop }, percentage: { value: 2 } }]';
    const sharesOf = (ofRoot: string, ofPart: string) => {
      const config = load(shop, root(`delegate: { name: part }, ${ofRoot}`), part(`${ofPart}, ${toShop}`));
      expect(config.issues).toEqual([]);
      const action = config.resources.routes.get(at80)?.virtualHosts[0]?.routes[0]?.action;
      const policies = action?.case === 'route' ? action.value.requestMirrorPolicies : [];
      return policies.map(({ runtimeFraction }) => runtimeFraction?.defaultValue?.numerator);
    };
    expect(sharesOf(mirror, mirrors)).toEqual([20_000]);
    expect(sharesOf(mirrors, mirror)).toEqual([10_000]);
    expect(sharesOf(mirrors, 'timeout: 1s')).toEqual([20_000]);
  });

  it('takes short host names as those of the namespace that they are written in', () => {
    const other = service('cart', 80).replace('name: cart', 'name: cart, namespace: team');
    const rule = 'delegate: { name: part, namespace: team }, mirror: { host: shop }';
    const config = load(shop, other, root(rule), part('route: [{ destination: { host: cart } }]', '', 'team'));
    expect(config.issues).toEqual([]);
    expect(routesOf(config, at80)).toEqual(['prefix / -> outbound|80||cart.team.svc.cluster.local']);
  });

  it('says a mistake where it is written', () => {
    const rule = 'delegate: { name: part }, retries: { attempts: 1, retryOn: nope }';
    expect(issuesOf(shop, root(rule), part())).toEqual([
      expect.stringMatching(
        /^b\.yaml:5:\d+: error: .*default\/root: spec\.http\[0\]\.retries\.retryOn: "nope" is neither/,
      ),
    ]);
    expect(issuesOf(shop, root(), part('route: [{ destination: { host: ghost } }]'))).toEqual([
      expect.stringMatching(
        /^c\.yaml:5:\d+: error: .*default\/part: spec\.http\[0\]\.route\[0\]\.destination\.host: no/,
      ),
    ]);
  });

  it.each([
    [[root()], /default\/root: spec\.http\[0\]\.delegate: there is no VirtualService default\/part/],
    [[root(), part(toShop, ', hosts: [other.com]')], /\[0\]\.delegate: VirtualService default\/part .* has hosts/],
    [
      [root('delegate: { name: part }, timeout: 1s'), part('delegate: { name: root }')],
      /part: .*cannot delegate in their/,
    ],
    [[root(`delegate: { name: part }, ${toShop}`), part()], /root: spec\.http\[0\]: has route and delegate/],
    [
      [root('delegate: { name: part, namespace: team }'), part(toShop, ', exportTo: ["."]', 'team')],
      /\[0\]\.delegate: VirtualService team\/part .* is not exported to the namespace default/,
    ],
  ])('is refused where it leads nowhere: case %#', (texts, expected) => {
    const errors = issuesOf(shop, ...texts).filter((issue) => issue.includes(': error: '));
    expect(errors).toEqual([expect.stringMatching(expected)]);
  });

  it('leaves out rules that can never hold with it, and says so', () => {
    const rule = 'match: [{ uri: { prefix: /a } }], delegate: { name: part }';
    const config = load(shop, root(rule), part(`match: [{ uri: { prefix: /b } }], ${toShop}`));
    expect(config.issues).toMatchObject([
      { severity: 'warning', object: 'VirtualService default/part', field: 'spec.http[0].match' },
    ]);
    expect(routesOf(config, at80)).toEqual([`prefix / -> ${cluster}`]);
  });
});

it('A VirtualService without hosts that no other delegates to is said not to be used', () => {
  expect(issuesOf(shop, part())).toEqual([
    expect.stringMatching(/warning: VirtualService default\/part: spec: has no hosts, and no VirtualService delegates/),
  ]);
});

describe('Two matches', () => {
  it.each([
    [
      'prefixes, the second longer',
      { uri: { prefix: '/a' } },
      { uri: { prefix: '/a/b' } },
      { uri: { prefix: '/a/b' } },
    ],
    ['a prefix and a path in it', { uri: { prefix: '/a' } }, { uri: { exact: '/a/b' } }, { uri: { exact: '/a/b' } }],
    ['equal paths', { uri: { exact: '/a' } }, { uri: { exact: '/a' } }, { uri: { exact: '/a' } }],
    ['of different fields', { uri: { prefix: '/a' } }, { port: 80 }, { uri: { prefix: '/a' }, port: 80 }],
    ['an expression alone', { uri: { regex: 'a' } }, { port: 80 }, { uri: { regex: 'a' }, port: 80 }],
    ['with names', { name: 'a' }, { name: 'b' }, { name: 'a-b' }],
    [
      'with headers',
      { headers: { a: { exact: '1' } } },
      { headers: { b: { exact: '2' } } },
      { headers: { a: { exact: '1' }, b: { exact: '2' } } },
    ],
  ])('are joined: %s', (_, first, second, expected) => {
    expect(joinMatches([first], [second])).toEqual([expect.objectContaining(expected)]);
  });

  it.each([
    ['a shorter prefix', { uri: { prefix: '/a/b' } }, { uri: { prefix: '/a' } }],
    ['different paths', { uri: { exact: '/a' } }, { uri: { exact: '/b' } }],
    ['a prefix within a path', { uri: { exact: '/a' } }, { uri: { prefix: '/a' } }],
    ['an expression beside anything', { uri: { regex: 'a' } }, { uri: { exact: 'a' } }],
    ['different ports', { port: 80 }, { port: 81 }],
    ['different case', { ignoreUriCase: true }, { uri: { exact: '/a' } }],
    ['different values of a header', { headers: { a: { exact: '1' } } }, { headers: { a: { exact: '2' } } }],
    ['different values of a query', { queryParams: { a: { exact: '1' } } }, { queryParams: { a: { exact: '2' } } }],
  ])('are in conflict: %s', (_, first, second) => {
    expect(joinMatches([first], [second])).toBeUndefined();
  });

  it('of several are joined each with each, and one that fits none is a conflict', () => {
    const roots = [{ uri: { prefix: '/a' } }, { uri: { prefix: '/b' } }];
    expect(joinMatches(roots, [{ port: 80 }])).toHaveLength(2);
    expect(joinMatches(roots, [{ uri: { prefix: '/b/c' } }])).toHaveLength(1);
    expect(joinMatches(roots, [{ port: 80 }, { uri: { prefix: '/c' } }])).toBeUndefined();
    expect(joinMatches([], roots)).toEqual(roots);
    expect(joinMatches(roots, [])).toEqual(roots);
  });
});

describe('Whatever two matches say of a path', () => {
  const path = fc
    .array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 3 })
    .map((parts) => `/${parts.join('/')}`);
  const match = fc.oneof(
    path.map((exact) => ({ uri: { exact } })),
    path.map((prefix) => ({ uri: { prefix } })),
    fc.constant({}),
  );
  const holds = ({ uri = {} }: HttpMatch, text: string) =>
    uri.exact === undefined ? text.startsWith(uri.prefix ?? '/') : text === uri.exact;

  it('what they are joined to holds for the paths that both hold for, and for no other', () => {
    fc.assert(
      fc.property(fc.array(match), fc.array(match), path, (roots, leaves, text) => {
        const joined = joinMatches(roots, leaves);
        if (joined === undefined) return;
        const some = (matches: readonly HttpMatch[]) =>
          matches.length === 0 || matches.some((entry) => holds(entry, text));
        expect(some(joined)).toBe(some(roots) && some(leaves));
      }),
    );
  });
});
