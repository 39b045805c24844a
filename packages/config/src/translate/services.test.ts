import { Cluster_DiscoveryType } from '@inmesh/xds/messages';
import { describe, expect, it } from 'vitest';
import { issuesOf, load, loadWith, service } from '../../test/support.js';
import type { LoadOptions } from '../index.js';

const slice = (labels: string, ...endpoints: string[]) => `---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: s-${endpoints.length}${labels.length}, labels: { ${labels} } }
addressType: IPv4
ports: [{ name: http-80, port: 8080 }]
endpoints: [${endpoints.join(', ')}]
`;
const ofShop = 'kubernetes.io/service-name: shop';

function endpointsOf(...texts: string[]): string[] {
  return endpointsFor({}, ...texts);
}

function endpointsFor(options: LoadOptions, ...texts: string[]): string[] {
  const assignment = loadWith(options, ...texts).resources.assignments.get(
    'outbound|80||shop.default.svc.cluster.local',
  );
  return (assignment?.endpoints ?? []).flatMap(({ locality, lbEndpoints }) =>
    lbEndpoints.map(({ hostIdentifier, healthStatus }) => {
      const address = hostIdentifier.case === 'endpoint' ? hostIdentifier.value.address?.address : undefined;
      const host = address?.case === 'socketAddress' ? address.value.address : '';
      return `${locality?.zone}/${host}/${healthStatus}`;
    }),
  );
}

describe('The endpoints of a Service', () => {
  it('are those that are ready, and those that serve to their end', () => {
    const shop = service('shop', 80);
    expect(endpointsOf(shop, slice(ofShop, '{ addresses: [10.0.0.1] }'))).toEqual(['/10.0.0.1/1']);
    const states = slice(
      ofShop,
      '{ addresses: [10.0.0.1], conditions: { ready: false, serving: true, terminating: true } }',
      '{ addresses: [10.0.0.2], conditions: { ready: false, terminating: true } }',
      '{ addresses: [10.0.0.3], conditions: { ready: false, serving: false, terminating: true } }',
      '{ addresses: [10.0.0.4], conditions: { ready: false } }',
    );
    const ready = slice(ofShop, '{ addresses: [10.0.0.5] }');
    expect(endpointsOf(shop, states, ready)).toEqual(['/10.0.0.1/3', '/10.0.0.2/3', '/10.0.0.5/1']);
    // Where none is ready, those are called that still can be.
    expect(endpointsOf(shop, states)).toEqual(['/10.0.0.1/1', '/10.0.0.2/1']);
  });

  it('are grouped by zone and counted once, however many slices they are in', () => {
    const shop = service('shop', 80);
    const first = slice(
      ofShop,
      '{ addresses: [10.0.0.2], zone: b }',
      '{ addresses: [10.0.0.1], zone: a, conditions: { ready: false, terminating: true } }',
    );
    const second = slice(
      ofShop,
      '{ addresses: [10.0.0.1], zone: a }',
      '{ addresses: [10.0.0.3], zone: b }',
      '{ addresses: [] }',
    );
    expect(endpointsOf(shop, first, second)).toEqual(['a/10.0.0.1/1', 'b/10.0.0.2/1', 'b/10.0.0.3/1']);
  });

  it('are none without slices, and the cluster is there all the same', () => {
    const { resources } = load(service('shop', 80));
    expect([...resources.assignments.keys()]).toEqual(['outbound|80||shop.default.svc.cluster.local']);
    expect([...resources.listeners.keys()]).toEqual(['shop.default.svc.cluster.local:80']);
  });

  it('are those of the caller’s Node where calls stay on it, and all where nobody knows the Node', () => {
    const local = service('shop', 80).replace('spec: {', 'spec: { internalTrafficPolicy: Local,');
    const nodes = slice(ofShop, '{ addresses: [10.0.0.1], nodeName: a }', '{ addresses: [10.0.0.2], nodeName: b }');
    const onNode = (nodeName: string, text = local) =>
      endpointsFor({ client: { namespace: 'default', nodeName } }, text, nodes);
    expect(onNode('b')).toEqual(['/10.0.0.2/1']);
    expect(onNode('c')).toEqual([]);
    expect(onNode('')).toEqual(['/10.0.0.1/1', '/10.0.0.2/1']);
    const headless = local.replace('spec: {', 'spec: { clusterIP: None,');
    expect(onNode('b', headless)).toEqual(['/10.0.0.1/1', '/10.0.0.2/1']);
    expect(onNode('b', local.replace('Local', 'Cluster'))).toEqual(['/10.0.0.1/1', '/10.0.0.2/1']);
    expect(loadWith({}, local, nodes).client.nodeName).toBe(true);
  });

  it.each(['podIP: 10.0.0.1', 'podIPs: [{ ip: "fd00::1" }, { ip: 10.0.0.1 }]'])(
    'have the labels of the Pod with their address where no Pod is named: %s',
    (addresses) => {
      const pod = `apiVersion: v1\nkind: Pod\nmetadata: { name: p, labels: { v: a } }\nstatus: { ${addresses} }\n`;
      const rule =
        'apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: { name: d }\n' +
        'spec: { host: shop, subsets: [{ name: a, labels: { v: a } }] }\n';
      const slices = slice(ofShop, '{ addresses: [10.0.0.1] }', '{ addresses: [10.0.0.2] }');
      const { assignments } = load(service('shop', 80), slices, pod, rule).resources;
      const subset = assignments.get('outbound|80|a|shop.default.svc.cluster.local')?.endpoints ?? [];
      expect(subset.flatMap(({ lbEndpoints }) => lbEndpoints)).toHaveLength(1);
    },
  );

  it('of a slice that names no Service are not used', () => {
    expect(issuesOf(slice('x: y', '{ addresses: [10.0.0.1] }'))).toEqual([
      expect.stringMatching(/^a\.yaml:4:25: warning: EndpointSlice default\/s-\d+: metadata\.labels: .*ignored/),
    ]);
  });
});

describe('A Service', () => {
  it('is named by the namespace and the domain of the cluster', () => {
    const { resources } = loadWith({ clusterDomain: 'corp', defaultNamespace: 'shop' }, service('a', 80));
    expect([...resources.clusters.keys()]).toEqual(['outbound|80||a.shop.svc.corp']);
  });

  it('has no listener for a port that is not HTTP', () => {
    const { resources } = load(service('shop', 80).replace('http-80', 'tcp-80'));
    expect(resources.listeners.size).toBe(0);
    expect(resources.clusters.size).toBe(1);
  });

  it('without an address of its own is resolved by DNS, whichever of the two fields says so', () => {
    const headless = (field: string) => load(service('shop', 80).replace('spec: {', `spec: { ${field},`));
    for (const field of ['clusterIP: None', 'clusterIPs: [None]']) {
      const [cluster] = headless(field).resources.clusters.values();
      expect(cluster?.clusterDiscoveryType).toEqual({ case: 'type', value: Cluster_DiscoveryType.STRICT_DNS });
    }
  });

  it('is told that its sessions are not kept', () => {
    const sticky = (affinity: string) =>
      issuesOf(service('shop', 80).replace('spec: {', `spec: { sessionAffinity: ${affinity},`));
    expect(sticky('None')).toEqual([]);
    expect(sticky('ClientIP')).toEqual([
      expect.stringMatching(/warning: .*"ClientIP" is not supported yet and ignored: requests of one client go to any/),
    ]);
  });

  it('must not have a port twice, nor be external without a name', () => {
    expect(issuesOf(service('shop', 80, 80))).toEqual([expect.stringMatching(/error: .*port 80 is there twice/)]);
    expect(issuesOf(service('shop', 80).replace('spec: {', 'spec: { type: ExternalName, '))).toEqual([
      expect.stringMatching(/error: .*spec\.externalName: is missing/),
    ]);
  });
});

describe('A Service with the annotation of Istio for it', () => {
  it('is a host for those namespaces alone that it is exported to', () => {
    const annotated = (exportTo: string) =>
      service('shop', 80).replace(
        'name: shop }',
        `name: shop, annotations: { networking.istio.io/exportTo: '${exportTo}' } }`,
      );
    const hosts = (namespace: string, exportTo: string) => [
      ...loadWith({ client: { namespace } }, annotated(exportTo)).resources.listeners.keys(),
    ];
    expect(hosts('web', '.')).toEqual([]);
    expect(hosts('default', '.')).toEqual(['shop.default.svc.cluster.local:80']);
    expect(hosts('web', 'other, web')).toEqual(['shop.default.svc.cluster.local:80']);
    expect(hosts('web', '~')).toEqual([]);
  });
});
