import { describe, expect, it } from 'vitest';
import { issuesOf, service } from '../../test/support.js';
import { type ClientView, loadConfig } from '../index.js';

const services = `${service('shop', 80, 90)}---
apiVersion: v1
kind: Service
metadata: { name: api, namespace: other }
spec: { ports: [{ name: http, port: 80 }, { name: tls, port: 443 }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: shop }
spec:
  hosts: [shop]
  http: [{ route: [{ destination: { host: api.other.svc.cluster.local, port: { number: 80 } } }] }]
`;

function sidecar(spec: string, metadata = 'name: default'): string {
  return `---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { ${metadata} }
spec: ${spec}
`;
}

function seen(client: ClientView, ...texts: string[]) {
  const files = [services, ...texts].map((text, index) => ({ path: `${index}.yaml`, text }));
  const { resources, issues } = loadConfig(files, { client });
  expect(issues).toEqual([]);
  return {
    listeners: [...resources.listeners.keys()].map((name) => name.replace('.svc.cluster.local', '')),
    clusters: [...resources.clusters.keys()].map((name) => name.replace('.svc.cluster.local', '')),
    routes: resources.routes,
  };
}

const inDefault = { namespace: 'default' };
const everything = ['api.other:80', 'shop.default:80', 'shop.default:90'];

describe('A Sidecar', () => {
  it.each([
    ["['*/*']", everything],
    ["['./*']", ['shop.default:80', 'shop.default:90']],
    ["['other/*']", ['api.other:80']],
    ["['*/api.other.svc.cluster.local']", ['api.other:80']],
    ["['*/*.other.svc.cluster.local']", ['api.other:80']],
    ["['default/api.other.svc.cluster.local']", []],
    ["['~/*']", []],
    ["['./*', 'other/*']", everything],
  ])('names the hosts that its clients see: %s', (hosts, expected) => {
    expect(seen(inDefault, sidecar(`{ egress: [{ hosts: ${hosts} }] }`)).listeners).toEqual(expected);
  });

  it('may name a port', () => {
    const spec = "{ egress: [{ port: { number: 90, protocol: HTTP, name: a }, hosts: ['*/*'] }] }";
    expect(seen(inDefault, sidecar(spec)).listeners).toEqual(['shop.default:90']);
  });

  it('leaves the clusters that routes of its hosts lead to', () => {
    const { clusters } = seen(inDefault, sidecar("{ egress: [{ port: { number: 80 }, hosts: ['./*'] }] }"));
    expect(clusters).toEqual(['outbound|80||api.other', 'outbound|80||shop.default']);
  });

  it('is for its own namespace, for the labels it selects before others, and from the root for all', () => {
    const own = sidecar("{ egress: [{ hosts: ['./*'] }] }");
    const selecting = sidecar("{ workloadSelector: { labels: { app: a } }, egress: [{ hosts: ['~/*'] }] }", 'name: a');
    const root = sidecar("{ egress: [{ hosts: ['other/*'] }] }", 'name: root, namespace: istio-system');
    const listeners = (client: ClientView) => seen(client, own, selecting, root).listeners;
    expect(listeners(inDefault)).toEqual(['shop.default:80', 'shop.default:90']);
    expect(listeners({ ...inDefault, labels: { app: 'a' } })).toEqual([]);
    expect(listeners({ namespace: 'other', labels: { app: 'a' } })).toEqual(['api.other:80']);
  });

  it('without a spec changes nothing', () => {
    expect(
      seen(inDefault, '---\napiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: { name: a }\n').listeners,
    ).toEqual(everything);
  });

  it.each([
    ["egress: [{ hosts: ['shop'] }]", /spec\.egress\[0\]\.hosts\[0\]: "shop" is not of the form namespace\/host/],
    ['egress: [{ hosts: [] }]', /spec\.egress\[0\]\.hosts: must not be empty/],
    ['egress: [{}]', /spec\.egress\[0\]\.hosts: is missing/],
    ["egress: [{ bind: 0.0.0.0, hosts: ['*/*'] }]", /spec\.egress\[0\]\.bind: .* no proxy/],
    ['ingress: [{ port: { number: 80 } }]', /spec\.ingress: .* directly/],
    ['outboundTrafficPolicy: { mode: ANY }', /spec\.outboundTrafficPolicy\.mode: "ANY" is none of/],
    ['outboundTrafficPolicy: { egressProxy: { host: a } }', /spec\.outboundTrafficPolicy\.egressProxy: .* directly/],
  ])('is checked: %s', (spec, expected) => {
    expect(issuesOf(sidecar(`{ ${spec} }`))).toEqual([expect.stringMatching(expected)]);
  });
});

describe('REGISTRY_ONLY', () => {
  it.each([
    ['of a Sidecar', inDefault, sidecar('{ outboundTrafficPolicy: { mode: REGISTRY_ONLY } }')],
    ['of the client itself', { ...inDefault, egress: 'REGISTRY_ONLY' } as const, ''],
    [
      'of the client itself, whatever a Sidecar says',
      { ...inDefault, egress: 'REGISTRY_ONLY' } as const,
      sidecar('{ outboundTrafficPolicy: { mode: ALLOW_ANY } }'),
    ],
  ])('%s answers all other hosts with 502, and lists what is not HTTP', (_, client, text) => {
    const { listeners, routes } = seen(client, text);
    expect(listeners).toEqual(['*', 'api.other:443', ...everything].sort());
    expect(routes.get('block_all')?.virtualHosts).toMatchObject([
      { domains: ['*'], routes: [{ action: { case: 'directResponse', value: { status: 502 } } }] },
    ]);
  });

  it('is not the default', () => {
    expect(seen(inDefault).listeners).toEqual(everything);
  });
});
