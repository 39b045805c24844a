import { decodeResources } from '@inmesh/xds';
import { describe, expect, it } from 'vitest';
import { issuesOf, load, service, virtualService } from '../../test/support.js';

const shop = service('shop', 80, 8080);
const at80 = 'shop.default.svc.cluster.local:80';
const toShop = 'route: [{ destination: { host: shop } }]';

const rules = (...fields: string[]) => virtualService(`    - ${fields.join('\n      ')}`);

/** The first route as clients read it. */
function routeOf(...fields: string[]) {
  const config = load(shop, service('hashed', 80), rules(...fields), hashed);
  expect(config.issues.filter(({ severity }) => severity === 'error')).toEqual([]);
  const { resources, errors } = decodeResources(config.resources);
  expect(errors).toEqual([]);
  return resources.routes.get(at80)?.virtualHosts[0]?.routes[0];
}

const hashed = `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: hashed }
spec: { host: hashed, trafficPolicy: { loadBalancer: { consistentHash: { httpHeaderName: x-user } } } }
`;

describe('A rule that answers by itself', () => {
  it('redirects with 301 where no code is given, or a code of 0', () => {
    expect(routeOf('redirect: { uri: /x }')?.action).toMatchObject({ kind: 'redirect', httpStatus: 301 });
    expect(routeOf('redirect: { uri: /x, redirectCode: 0 }')?.action).toMatchObject({ httpStatus: 301 });
    expect(routeOf('redirect: { uri: /x, redirectCode: 307 }')?.action).toMatchObject({ httpStatus: 307 });
  });

  it('gives a text or bytes as body', () => {
    expect(routeOf('directResponse: { status: 200, body: { string: hi } }')?.action).toMatchObject({ body: 'hi' });
    expect(routeOf('directResponse: { status: 200, body: { bytes: aGk= } }')?.action).toMatchObject({ body: 'hi' });
    expect(routeOf('directResponse: { status: 204 }')?.action).toMatchObject({ httpStatus: 204, body: '' });
  });
});

describe('The host that a rule calls', () => {
  it.each([
    ['rewrite: { authority: a }', toShop, 'a'],
    ['headers: { request: { set: { Host: b } } }', toShop, 'b'],
    ['headers: { request: { add: { ":authority": c } } }', toShop, 'c'],
    ['headers: { request: { set: { host: d }, add: { host: e } } }', toShop, 'd'],
    ['timeout: 1s', 'route: [{ destination: { host: shop }, headers: { request: { set: { host: f } } } }]', 'f'],
    [
      'rewrite: { authority: a }',
      'route: [{ destination: { host: shop }, headers: { request: { set: { host: f } } } }]',
      'a',
    ],
    [
      'headers: { request: { set: { host: b } } }',
      'route: [{ destination: { host: shop }, headers: { request: { set: { host: f } } } }]',
      'b',
    ],
  ])('is that of %s', (fields, route, host) => {
    const found = routeOf(fields, route);
    expect(found?.action).toMatchObject({ authorityRewrite: { kind: 'literal', value: host } });
    expect(found?.requestHeaders).toEqual([]);
  });
});

describe('A fault', () => {
  it.each([
    ['{ delay: { fixedDelay: 1s } }', /fault\.delay: has no percentage above zero: no request is delayed/],
    ['{ abort: { httpStatus: 500 } }', /fault\.abort: has no percentage above zero: no request is aborted/],
    ['{ delay: { percent: 1 } }', /fault\.delay: has no fixedDelay: nothing is delayed/],
    ['{ abort: { percentage: { value: 1 } } }', /fault\.abort: has neither httpStatus nor grpcStatus/],
    ['{}', /fault: has neither delay nor abort/],
  ])('that does nothing is said to: %s', (fault, expected) => {
    expect(issuesOf(shop, rules(`fault: ${fault}`, toShop))).toEqual([expect.stringMatching(expected)]);
  });

  it('of a delay of zero is none', () => {
    expect(routeOf('fault: { delay: { percent: 100, fixedDelay: 0s } }', toShop)?.fault).toBeUndefined();
  });

  it('has its share in millionths', () => {
    const fault =
      '{ delay: { percent: 3, fixedDelay: 250ms }, abort: { percentage: { value: 0.0001 }, httpStatus: 503 } }';
    expect(routeOf(`fault: ${fault}`, toShop)?.fault).toMatchObject({
      delay: { fixedMs: 250, perMillion: 30_000 },
      abort: { httpStatus: 503, perMillion: 1 },
    });
  });
});

describe('The copies of a request', () => {
  const mirrorsOf = (...fields: string[]) => {
    const action = routeOf(...fields, toShop)?.action;
    return action?.kind === 'forward' ? action.mirrors.map(({ perMillion }) => perMillion) : undefined;
  };

  it.each([
    [['mirror: { host: shop }'], [1_000_000]],
    [['mirror: { host: shop }', 'mirrorPercentage: { value: 0.5 }', 'mirrorPercent: 7'], [5_000]],
    [['mirror: { host: shop }', 'mirrorPercentage: {}'], []],
    [['mirror: { host: shop }', 'mirrorPercent: 7'], [70_000]],
    [['mirror: { host: shop }', 'mirror_percent: 8'], [80_000]],
    [['mirror: { host: shop }', 'mirrorPercent: 0'], []],
    [
      ['mirrors: [{ destination: { host: shop } }, { destination: { host: shop }, percentage: { value: 1 } }]'],
      [1e6, 1e4],
    ],
  ])('are of all requests unless a share is given: %j', (fields, expected) => {
    expect(mirrorsOf(...fields)).toEqual(expected);
  });
});

describe('A destination that places requests by a hash', () => {
  const retryOf = (...fields: string[]) => {
    const action = routeOf(...fields)?.action;
    return action?.kind === 'forward' ? action : undefined;
  };

  it('gives the route its hash policy, and is tried again where it was tried', () => {
    expect(retryOf('route: [{ destination: { host: hashed } }]')).toMatchObject({
      hash: [{ kind: 'header', name: 'x-user' }],
      retry: { hostSelectionAttempts: 0 },
    });
    expect(retryOf(toShop)).toMatchObject({ hash: [], retry: { hostSelectionAttempts: 5 } });
  });

  it('among others adds its policy to theirs', () => {
    const both = '{ destination: { host: hashed }, weight: 1 }, { destination: { host: shop }, weight: 1 }';
    expect(retryOf(`route: [${both}]`)?.hash).toHaveLength(1);
    expect(retryOf(`route: [${both.replace('weight: 1', 'weight: 0')}]`)?.hash).toHaveLength(0);
  });
});

describe('A mistake in what a rule does', () => {
  it.each([
    [['redirect: {}'], 'redirect: must have at least one of uri, authority, port, scheme'],
    [['redirect: { uri: /, redirectCode: 305 }'], 'redirect.redirectCode: 305 is none of 301, 302, 303, 307, 308'],
    [['redirect: { port: 1, derivePort: FROM_REQUEST_PORT }'], 'redirect: only one of port, derivePort may be given'],
    [['redirect: { scheme: ftp }'], 'redirect.scheme: "ftp" is none of http, https'],
    [['redirect: { uri: "/\\n" }'], 'redirect.uri: must not have control characters'],
    [['redirect: { uri: / }', toShop], ': has route and redirect: only one of them can be done'],
    [['redirect: { uri: / }', 'rewrite: { uri: / }'], 'rewrite: means nothing beside redirect'],
    [['directResponse: { status: 200 }', 'fault: { abort: {} }'], 'fault: means nothing beside directResponse'],
    [['directResponse: { body: { string: a } }'], 'directResponse.status: is missing'],
    [['directResponse: { status: 600 }'], 'directResponse.status: 600 is not between 200 and 599'],
    [['directResponse: { status: 200, body: { bytes: "?" } }'], 'directResponse.body.bytes: is not base64'],
    [['directResponse: { status: 200, body: { bytes: aa, string: a } }'], 'directResponse.body: only one of'],
    [
      [`directResponse: { status: 200, body: { string: ${'a'.repeat(1024 * 1024 + 1)} } }`],
      'body: is longer than 1048576',
    ],
    [['rewrite: {}', toShop], 'rewrite: must have at least one of uri, authority, uriRegexRewrite'],
    [['rewrite: { uri: /, uriRegexRewrite: { match: a, rewrite: b } }', toShop], 'rewrite: only one of'],
    [['rewrite: { uriRegexRewrite: { match: "(", rewrite: b } }', toShop], 'rewrite.uriRegexRewrite.match: "(" is not'],
    [['rewrite: { uriRegexRewrite: { match: a } }', toShop], 'rewrite.uriRegexRewrite.rewrite: is missing'],
    [
      ['rewrite: { uriRegexRewrite: { match: (a), rewrite: \\2 } }', toShop],
      'uriRegexRewrite.rewrite: "\\2" names a group',
    ],
    [['headers: { request: { set: { "": a } } }', toShop], 'headers.request.set[""]: a header must have a name'],
    [['headers: { request: { set: { ":path": a } } }', toShop], '":path" cannot be changed as a header'],
    [['headers: { request: { remove: [host] } }', toShop], 'headers.request.remove[0]: "host" cannot be changed'],
    [['headers: { response: { set: { host: a } } }', toShop], 'headers.response.set.host: "host" cannot be changed'],
    [['headers: { request: { add: { a b: c } } }', toShop], '"a b" is not the name of an HTTP header'],
    [
      ['headers: { request: { add: { a: "%FOO%" } } }', toShop],
      'headers.request.add.a: command "%FOO%" is not supported',
    ],
    [['headers: { request: { add: { a: "5%" } } }', toShop], 'headers.request.add.a: "%" begins a command'],
    [
      ['rewrite: { authority: a }', 'headers: { request: { set: { host: b } } }', toShop],
      'headers.request: the host is',
    ],
    [['mirror: { host: ghost }', toShop], 'mirror.host: no Service'],
    [
      ['mirrors: [{ destination: { host: shop, subset: v9 } }]', toShop],
      'mirrors[0].destination.subset: no DestinationRule',
    ],
    [['mirror: { host: shop }', 'mirrors: [{ destination: { host: shop } }]', toShop], 'mirrors: stands beside mirror'],
    [['mirrorPercentage: { value: 101 }', toShop], 'mirrorPercentage.value: 101 is not between 0 and 100'],
    [
      ['fault: { delay: { exponentialDelay: 1s, fixedDelay: 1s, percent: 1 } }', toShop],
      'exponentialDelay: is not supported',
    ],
    [
      ['fault: { abort: { http2Error: X, httpStatus: 500, percentage: { value: 1 } } }', toShop],
      'http2Error: is not supp',
    ],
    [
      ['fault: { abort: { grpcStatus: NOPE, percentage: { value: 1 } } }', toShop],
      'abort.grpcStatus: "NOPE" is none of',
    ],
    [
      ['corsPolicy: { allowOrigins: [{}] }', toShop],
      'corsPolicy.allowOrigins[0]: must have one of exact, prefix, regex',
    ],
    [['corsPolicy: { maxAge: 1500ms }', toShop], 'corsPolicy.maxAge: "1500ms" is not a whole number of seconds'],
  ])('is an error with its field: %j', (fields, expected) => {
    const errors = issuesOf(shop, rules(...fields)).filter((issue) => issue.includes(': error: '));
    expect(errors).toEqual([expect.stringContaining(expected)]);
    expect(errors[0]).toMatch(/: VirtualService default\/shop: spec\.http\[0\]/);
  });
});
