import { describe, expect, it } from 'vitest';
import { issuesOf } from '../../test/support.js';
import { type ClientView, loadConfig } from '../index.js';

const entry = (...localities: string[]) => `---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: api }
spec:
  hosts: [api.example.com]
  ports: [{ number: 80, name: http, protocol: HTTP }]
  resolution: STATIC
  endpoints:
${localities.map((text, index) => `    - { address: 10.0.0.${index + 1}, ${text} }`).join('\n')}
`;

const rule = (policy: string) => `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: api }
spec: { host: api.example.com, trafficPolicy: ${policy} }
`;

interface Placed {
  readonly priority: number;
  readonly weight: number;
  readonly hosts: number;
}

/** By `region/zone/subzone`, and whether their weights count. */
function placed(client: Partial<ClientView>, host: string, ...texts: string[]) {
  const files = texts.map((text, index) => ({ path: `${index}.yaml`, text }));
  const { resources, issues } = loadConfig(files, { client: { namespace: 'default', ...client } });
  expect(issues).toEqual([]);
  const name = `outbound|80||${host}`;
  const localities = (resources.assignments.get(name)?.endpoints ?? []).map((group): [string, Placed] => {
    const { region = '', zone = '', subZone = '' } = group.locality ?? {};
    const hosts = group.lbEndpoints.length;
    return [
      `${region}/${zone}/${subZone}`,
      { priority: group.priority, weight: group.loadBalancingWeight ?? 0, hosts },
    ];
  });
  const specifier = resources.clusters.get(name)?.commonLbConfig?.localityConfigSpecifier.case;
  return { localities: Object.fromEntries(localities), weighted: specifier === 'localityWeightedLbConfig' };
}

function priorities(client: Partial<ClientView>, ...texts: string[]): Record<string, number> {
  const { localities } = placed(client, 'api.example.com', ...texts);
  return Object.fromEntries(Object.entries(localities).map(([key, { priority }]) => [key, priority]));
}

const at = (written: string): Partial<ClientView> => {
  const [region = '', zone = '', subZone = ''] = written.split('/');
  return { locality: { region, zone, subZone } };
};

const places = ['eu/a/1', 'eu/a/2', 'eu/b/1', 'us/a/1', 'asia/a/1'];
const everywhere = entry(...places.map((locality) => `locality: ${locality}`));
const outliers = 'outlierDetection: {}';

describe('Fail-over', () => {
  it('goes by the locality of the client, from the sub-zone to other regions', () => {
    const expected = { 'eu/a/1': 0, 'eu/a/2': 1, 'eu/b/1': 2, 'us/a/1': 3, 'asia/a/1': 3 };
    expect(priorities(at('eu/a/1'), everywhere, rule(`{ ${outliers} }`))).toEqual(expected);
  });

  it('leaves no gaps between priorities', () => {
    expect(priorities(at('us/b/1'), everywhere, rule(`{ ${outliers} }`))).toEqual({
      'us/a/1': 0,
      'eu/a/1': 1,
      'eu/a/2': 1,
      'eu/b/1': 1,
      'asia/a/1': 1,
    });
    expect(new Set(Object.values(priorities({}, everywhere, rule(`{ ${outliers} }`))))).toEqual(new Set([0]));
  });

  it('needs outlier detection', () => {
    expect(new Set(Object.values(priorities(at('eu/a/1'), everywhere)))).toEqual(new Set([0]));
  });

  it('is turned off by `enabled: false`', () => {
    const policy = `{ ${outliers}, loadBalancer: { localityLbSetting: { enabled: false } } }`;
    expect(new Set(Object.values(priorities(at('eu/a/1'), everywhere, rule(policy))))).toEqual(new Set([0]));
  });

  it('prefers the region that is named', () => {
    const policy = `{ ${outliers}, loadBalancer: { localityLbSetting: { failover: [{ from: eu, to: asia }] } } }`;
    expect(priorities(at('eu/b/1'), everywhere, rule(policy))).toEqual({
      'eu/b/1': 0,
      'eu/a/1': 1,
      'eu/a/2': 1,
      'asia/a/1': 2,
      'us/a/1': 3,
    });
    expect(placed(at('eu/b/1'), 'api.example.com', everywhere, rule(policy)).weighted).toBe(true);
  });

  it('goes by labels where they are listed, the first counting most', () => {
    const labelled = entry(
      'locality: eu/a/1, labels: { version: v1, tier: a }',
      'locality: eu/b/1, labels: { version: v1 }',
      'locality: us/a/1, labels: { tier: a }',
    );
    const policy = (labels: string) =>
      rule(`{ ${outliers}, loadBalancer: { localityLbSetting: { failoverPriority: [${labels}] } } }`);
    const client = { labels: { version: 'v1', tier: 'a' }, ...at('us/a/1') };
    const of = (labels: string) => Object.values(priorities(client, labelled, policy(labels)));
    expect(of('version, tier')).toEqual([0, 1, 2]);
    expect(priorities(client, labelled, policy('version, tier'))).toEqual({ 'eu/a/1': 0, 'eu/b/1': 1, 'us/a/1': 2 });
    expect(priorities(client, labelled, policy('topology.kubernetes.io/region'))).toEqual({
      'us/a/1': 0,
      'eu/a/1': 1,
      'eu/b/1': 1,
    });
    expect(priorities(client, labelled, policy('topology.kubernetes.io/region=eu'))['us/a/1']).toBe(1);
  });

  it('without outlier detection is warned of', () => {
    const policy = '{ loadBalancer: { localityLbSetting: { failover: [{ from: a, to: b }] } } }';
    expect(issuesOf(everywhere, rule(policy))).toEqual([
      expect.stringMatching(
        /spec\.trafficPolicy\.loadBalancer\.localityLbSetting: has no effect without outlierDetection/,
      ),
    ]);
  });
});

const distribute = (text: string) => rule(`{ loadBalancer: { localityLbSetting: { distribute: ${text} } } }`);

describe('Distribution', () => {
  it('shares a weight out by the weights of the localities, rounded up, and leaves out the rest', () => {
    const weighted = entry(
      'locality: eu/a/1, weight: 1',
      'locality: eu/b/1, weight: 2',
      'locality: us/a/1',
      'locality: asia/a/1',
    );
    const text = "[{ from: eu/a/*, to: { 'eu/*': 80, us: 20 } }]";
    const { localities, weighted: counts } = placed(at('eu/a/1'), 'api.example.com', weighted, distribute(text));
    expect(localities).toEqual({
      'eu/a/1': { priority: 0, weight: 27, hosts: 1 },
      'eu/b/1': { priority: 0, weight: 54, hosts: 1 },
      'us/a/1': { priority: 0, weight: 20, hosts: 1 },
    });
    expect(counts).toBe(true);
  });

  it("takes zones without a region for those of the client's region", () => {
    const text = "[{ from: eu, to: { eu/a: 75, 'eu/*': 25 } }]";
    const shares = distribute(text).replace('api.example.com', 'shop.default.svc.cluster.local');
    const { localities } = placed(at('eu/a'), 'shop.default.svc.cluster.local', service(), nodes, shares);
    expect(localities).toEqual({
      '/a/': { priority: 0, weight: 75, hosts: 2 },
      '/b/': { priority: 0, weight: 25, hosts: 1 },
    });
  });

  it('leaves clients elsewhere alone', () => {
    const text = '[{ from: eu/a, to: { us: 100 } }]';
    const found = placed(at('us/a/1'), 'api.example.com', everywhere, distribute(text));
    expect(Object.keys(found.localities)).toHaveLength(5);
  });

  it.each([
    ['[{ from: eu, to: { us: 90 } }]', /distribute\[0\]\.to: the shares sum to 90, not to 100/],
    ['[{ from: eu/*/a, to: { us: 100 } }]', /distribute\[0\]\.from: "eu\/\*\/a" is no locality such as/],
    ["[{ from: eu, to: { 'a/b/c/d': 100 } }]", /distribute\[0\]\.to\["a\/b\/c\/d"\]: "a\/b\/c\/d" is no locality/],
    [
      '[{ from: eu, to: { us: 100 } }], failover: []',
      /localityLbSetting: only one of distribute, failover may be given/,
    ],
  ])('is checked: %s', (text, expected) => {
    expect(issuesOf(everywhere, distribute(text))).toEqual([expect.stringMatching(expected)]);
  });
});

const service = (more = '') => `---
apiVersion: v1
kind: Service
metadata: { name: shop }
spec: { ports: [{ name: http, port: 80 }], ${more} }
`;

function slice(...endpoints: string[]): string {
  return `---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: shop, labels: { kubernetes.io/service-name: shop } }
addressType: IPv4
ports: [{ name: http, port: 8080 }]
endpoints:
${endpoints.map((text, index) => `  - { addresses: [10.0.0.${index + 1}], ${text} }`).join('\n')}
`;
}

/** The priorities of 10.0.0.1, 10.0.0.2 and so on. */
function ranks(client: Partial<ClientView>, ...texts: string[]): number[] {
  const files = texts.map((text, index) => ({ path: `${index}.yaml`, text }));
  const { resources, issues } = loadConfig(files, { client: { namespace: 'default', ...client } });
  expect(issues).toEqual([]);
  const groups = resources.assignments.get('outbound|80||shop.default.svc.cluster.local')!.endpoints;
  const found = groups.flatMap(({ priority, lbEndpoints }) =>
    lbEndpoints.map(({ hostIdentifier }): [string, number] => {
      const address = hostIdentifier.case === 'endpoint' ? hostIdentifier.value.address?.address : undefined;
      return [address?.case === 'socketAddress' ? address.value.address : '', priority];
    }),
  );
  return found.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, priority]) => priority);
}

const nodes = slice('zone: a, nodeName: n1', 'zone: a, nodeName: n2', 'zone: b, nodeName: n3');
const onN1 = { ...at('eu/a'), nodeName: 'n1' };

describe('trafficDistribution', () => {
  it.each([
    ['PreferClose', [0, 0, 1]],
    ['PreferSameZone', [0, 0, 1]],
    ['PreferSameNode', [0, 1, 2]],
  ])('%s prefers what is near, without outlier detection', (value, expected) => {
    expect(ranks(onN1, service(`trafficDistribution: ${value}`), nodes)).toEqual(expected);
    expect(ranks(at('eu/b'), service(`trafficDistribution: ${value}`), nodes)).toEqual([1, 1, 0]);
  });

  it.each(['Service', 'ServiceEntry'])('may be an annotation of Istio on a %s', (kind) => {
    const annotations = 'annotations: { networking.istio.io/traffic-distribution: PreferClose }';
    if (kind === 'Service') {
      const text = service().replace('name: shop }', `name: shop, ${annotations} }`);
      expect(ranks(onN1, text, nodes)).toEqual([0, 0, 1]);
    } else {
      const text = entry('locality: eu/a', 'locality: eu/b').replace('name: api }', `name: api, ${annotations} }`);
      expect(priorities(at('eu/b'), text)).toEqual({ 'eu/b/': 0, 'eu/a/': 1 });
    }
  });

  it('is not asked for by default', () => {
    expect(ranks(onN1, service(), nodes)).toEqual([0, 0, 0]);
  });

  it('is one of three', () => {
    expect(issuesOf(service('trafficDistribution: Near'))).toEqual([
      expect.stringMatching(/spec\.trafficDistribution: "Near" is none of PreferClose, PreferSameZone, PreferSameNode/),
    ]);
  });
});

describe('Hints', () => {
  const forA = 'zone: a, hints: { forZones: [{ name: a }] }';
  const forB = 'zone: b, hints: { forZones: [{ name: b }, { name: c }] }';

  it('count when every endpoint that is ready has one and one is for the zone', () => {
    expect(ranks(at('eu/c'), service(), slice(forA, forB))).toEqual([1, 0]);
    expect(ranks(at('eu/d'), service(), slice(forA, forB))).toEqual([0, 0]);
    expect(ranks(at('eu/a'), service(), slice(forA, forB, 'zone: a'))).toEqual([0, 0, 0]);
    const leaving = 'zone: a, conditions: { ready: false, serving: true, terminating: true }';
    expect(ranks(at('eu/b'), service(), slice(forA, forB, leaving))).toEqual([1, 0, 1]);
  });

  it('for Nodes come before those for zones', () => {
    const both = (zone: string, node: string) =>
      `zone: ${zone}, hints: { forZones: [{ name: ${zone} }], forNodes: [{ name: ${node} }] }`;
    expect(ranks(onN1, service(), slice(both('a', 'n1'), both('a', 'n2'), both('b', 'n3')))).toEqual([0, 1, 2]);
  });
});

describe('What the client is asked', () => {
  it('is nothing where nothing depends on where it is', () => {
    const { client } = loadConfig([{ path: 'a.yaml', text: everywhere + service() + nodes }]);
    expect(client).toEqual({ namespace: false, labels: new Set(), locality: false, nodeName: false });
  });

  it('is its locality where endpoints are ranked by it', () => {
    const { client } = loadConfig([{ path: 'a.yaml', text: everywhere + rule(`{ ${outliers} }`) }]);
    expect(client).toEqual({ namespace: false, labels: new Set(), locality: true, nodeName: false });
  });
});
