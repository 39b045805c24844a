import { SnapshotAssembler } from '@inmesh/core';
import { FakeClock, seededRandom, testCall, testHash64 } from '@inmesh/core/testing';
import { decodeResources } from '@inmesh/xds';
import { describe, expect, it } from 'vitest';
import { load, loadWith, routesOf, service } from '../../test/support.js';
import { formatIssue } from '../issues.js';
import { gatewayKey } from './gateway-names.js';
import { commonHost } from './gateways.js';

const shop = service('shop', 80);
const cluster = 'outbound|80||shop.default.svc.cluster.local';
const edge = { namespace: 'default', labels: { app: 'edge' } };

const gateway = (spec: string, name = 'edge') => `---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: ${name} }
spec: { ${spec} }
`;

const http = 'selector: { app: edge }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*"] }]';

const virtualService = (spec: string, metadata = 'name: vs') => `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { ${metadata} }
spec: { http: [{ name: edge, route: [{ destination: { host: shop.default.svc.cluster.local } }] }], ${spec} }
`;

const bound = virtualService('hosts: ["*"], gateways: [edge]');

describe('A Gateway', () => {
  it('gives the processes that it selects a listener for each host, and others nothing', () => {
    const selected = loadWith({ client: edge }, shop, gateway(http), bound);
    expect(selected.issues).toEqual([]);
    expect([...selected.resources.listeners.keys()]).toEqual(['*:80', 'shop.default.svc.cluster.local:80']);
    expect(routesOf(selected, 'http.80')).toEqual([`prefix / -> ${cluster}`]);
    const other = load(shop, gateway(http), bound);
    expect(other.issues).toEqual([]);
    expect([...other.resources.listeners.keys()]).toEqual(['shop.default.svc.cluster.local:80']);
    expect(other.client.labels).toEqual(new Set(['app']));
  });

  it('without a VirtualService is silent, as requests for other hosts go where DNS says', () => {
    const { resources, issues } = loadWith({ client: edge }, shop, gateway(http));
    expect([[...resources.listeners.keys()], issues]).toEqual([['shop.default.svc.cluster.local:80'], []]);
  });

  it('takes the hosts of a VirtualService over from the mesh where both have one', () => {
    const vs = virtualService('hosts: [shop], gateways: [edge]').replace('name: edge, ', '');
    const { resources } = loadWith({ client: edge }, shop, gateway(http), vs);
    const listener = resources.listeners.get('shop.default.svc.cluster.local:80');
    expect(Buffer.from(listener!.apiListener!.apiListener!.value).includes('http.80')).toBe(true);
    expect(resources.listeners.size).toBe(1);
  });

  it.each([
    ['"*"', true],
    ['default/*', true],
    ['./*', true],
    ['team/*', false],
    ['"*.example.com"', false],
  ])('with the host %s takes VirtualServices of a namespace and a host', (host, taken) => {
    const spec = http.replace('"*"', host);
    const { resources } = loadWith(
      { client: edge },
      shop,
      gateway(spec),
      virtualService('hosts: [a.org], gateways: [edge]'),
    );
    expect(resources.listeners.has('a.org:80')).toBe(taken);
  });

  it.each([
    ['protocol: HTTPS', /warning: .*servers\[0\]\.port\.protocol: the server is ignored: HTTPS ends at the platform/],
    ['protocol: TCP', /warning: .*servers\[0\]\.port\.protocol: the server is ignored: only HTTP is routed/],
    ['protocol: HTPT', /error: .*servers\[0\]\.port\.protocol: "HTPT" is none of HTTP, .* \(did you mean "HTTP"/],
  ])('says of a server with %s what becomes of it', (protocol, expected) => {
    const { issues, resources } = loadWith(
      { client: edge },
      shop,
      gateway(http.replace('protocol: HTTP', protocol)),
      bound,
    );
    expect(issues.map(formatIssue)).toEqual([expect.stringMatching(expected)]);
    expect(resources.listeners.has('*:80')).toBe(false);
  });

  it.each([
    [http.replace('selector: { app: edge }, ', ''), /warning: .*spec\.selector: selects no process/],
    [http.replace('"*"', '"a b"'), /error: .*servers\[0\]\.hosts\[0\]: "a b" is neither a host name/],
    [http.replace('"*"', 'A_/*'), /error: .*servers\[0\]\.hosts\[0\]: "A_" may have lower-case/],
    [http.replace('hosts: ["*"]', 'hosts: []'), /error: .*servers\[0\]\.hosts: must not be empty/],
    [http.replace('number: 80', 'number: 0'), /error: .*servers\[0\]\.port\.number: 0 is not between 1 and 65535/],
    [http.replace(/hosts: .*\]/, 'bind: 1.2.3.4, hosts: ["*"]}]'), /warning: .*servers\[0\]\.bind: is not supported/],
  ])('with a mistake is told: %s', (spec, expected) => {
    const issues = load(shop, gateway(spec)).issues.map(formatIssue);
    expect(issues).toEqual([expect.stringMatching(expected)]);
  });
});

it('A Gateway of the Gateway API is another kind, which is not acted on', () => {
  const other = gateway('gatewayClassName: x').replace('networking.istio.io', 'gateway.networking.k8s.io');
  expect(load(other).issues.map(formatIssue)).toEqual([
    expect.stringMatching(/warning: Gateway default\/edge: kind: not supported yet, ignored/),
  ]);
});

it('A process of the edge routes every host that nothing else has by the rules of its Gateway', () => {
  const config = loadWith({ client: edge }, shop, gateway(http), bound);
  const random = seededRandom(1);
  const options = { clock: new FakeClock(), random, hash64: testHash64, searchDomains: ['default.svc.cluster.local'] };
  const snapshot = new SnapshotAssembler(options).assemble(decodeResources(config.resources).resources);
  const routeOf = (authority: string) =>
    snapshot.resolve('http', authority)?.virtualHost?.match(testCall({ authority, path: '/x' }), random)?.name;
  expect(routeOf('www.example.com')).toBe('edge');
  expect(routeOf('www.example.com:80')).toBe('edge');
  expect(routeOf('www.example.com:81')).toBeUndefined();
  expect(routeOf('shop')).toBe('default');
});

describe('A VirtualService that is bound to a Gateway', () => {
  it('that is not there is told, with what is near', () => {
    const { issues } = load(shop, gateway(http), virtualService('hosts: ["*"], gateways: [edgee]'));
    expect(issues.map(formatIssue)).toEqual([
      expect.stringMatching(
        /warning: .*spec\.gateways\[0\]: there is no Gateway default\/edgee: ignored \(did you mean "def/,
      ),
    ]);
  });

  it('says its mistakes to every client', () => {
    const ports = service('shop', 8080, 8081);
    const { issues } = load(ports, gateway(http), bound);
    expect(issues.map(formatIssue)).toEqual([
      expect.stringMatching(/error: .*destination\.port: must be given for calls to port 80: /),
    ]);
  });

  it('is not for clients that it is not exported to', () => {
    const hidden = virtualService('hosts: ["*"], gateways: [edge], exportTo: [other]');
    expect(loadWith({ client: edge }, shop, gateway(http), hidden).resources.listeners.has('*:80')).toBe(false);
  });
});

it.each([
  ['mesh', 'mesh'],
  ['edge', 'ns/edge'],
  ['other/edge', 'other/edge'],
  ['edge.other.svc.cluster.local', 'other/edge'],
])('The Gateway %s is %s', (written, expected) => {
  expect(gatewayKey(written, 'ns')).toBe(expected);
});

it.each([
  ['*', 'a.com', 'a.com'],
  ['a.com', '*', 'a.com'],
  ['*.com', '*.a.com', '*.a.com'],
  ['*.a.com', 'a.com', undefined],
  ['a.com', 'a.com', 'a.com'],
  ['a.com', 'b.com', undefined],
  ['*', '*', '*'],
])('The hosts %s and %s have %s in common', (a, b, expected) => {
  expect(commonHost(a, b)).toBe(expected);
});
