import { Cluster_DiscoveryType, Cluster_LbPolicy } from '@inmesh/xds/messages';
import { describe, expect, it } from 'vitest';
import { issuesOf, load, loadWith } from '../../test/support.js';

function entry(spec: string): string {
  return `---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: api }
spec: { hosts: [api.example.com], ports: [{ number: 80, name: http, protocol: HTTP }], ${spec} }
`;
}

describe('A ServiceEntry', () => {
  it.each([
    [
      'resolution: STATIC, endpoints: [{ address: localhost }]',
      /endpoints\[0\]\.address: "localhost" is not an IP address/,
    ],
    ['resolution: STATIC, endpoints: [{ address: "unix:///a" }]', /endpoints\[0\]\.address: Unix domain sockets/],
    ['resolution: STATIC, endpoints: [{ labels: { a: b } }]', /endpoints\[0\]\.address: is missing/],
    ['resolution: STATIK', /resolution: "STATIK" is none of .* \(did you mean "STATIC"/],
    [
      'resolution: DNS_ROUND_ROBIN, endpoints: [{ address: a }, { address: b }]',
      /endpoints: DNS_ROUND_ROBIN takes one/,
    ],
    [
      'resolution: DNS, endpoints: [{ address: a, ports: { http: 0 } }]',
      /endpoints\[0\]\.ports\.http: 0 is not between 1/,
    ],
    [
      'resolution: DNS, endpoints: [{ address: a, ports: { htp: 8080, http: 8081 } }]',
      /error: .*endpoints\[0\]\.ports\.htp: the entry has no port of the name "htp" \(did you mean "http"\?\)/,
    ],
    [
      'resolution: STATIC, endpoints: [{ address: 10.0.0.1, ports: { toString: 1 } }]',
      /no port of the name "toString"/,
    ],
    [
      'resolution: NONE, endpoints: [{ address: 10.0.0.1 }]',
      /endpoints: calls go to what was dialled, not to endpoints \(use resolution: STATIC or DNS\)/,
    ],
  ])('is refused: %s', (spec, expected) => {
    expect(issuesOf(entry(spec))).toEqual([expect.stringMatching(expected)]);
  });

  it('for a wildcard cannot be left to DNS', () => {
    expect(issuesOf(entry('resolution: DNS').replace('api.example.com', '"*.example.com"'))).toEqual([
      expect.stringMatching(/error: .*hosts\[0\]: "\*\.example\.com" cannot be resolved by DNS/),
    ]);
  });

  it('for a wildcard with endpoints has a listener for all of its names', () => {
    const text = entry('resolution: STATIC, endpoints: [{ address: 10.0.0.1 }]').replace(
      'api.example.com',
      '"*.example.com"',
    );
    const { resources } = load(text);
    expect([...resources.listeners.keys()]).toEqual(['*.example.com:80']);
    expect(resources.routes.get('*.example.com:80')?.virtualHosts[0]?.domains).toEqual([
      '*.example.com',
      '*.example.com:80',
    ]);
  });

  it('of a protocol that nobody knows is refused', () => {
    expect(issuesOf(entry('resolution: DNS').replace('protocol: HTTP', 'protocol: QUIC'))).toEqual([
      expect.stringMatching(/ports\[0\]\.protocol: "QUIC" is none of/),
    ]);
  });

  it.each(['resolution: NONE', 'resolution: DYNAMIC_DNS', ''])('lets DNS say where its host is: %s', (resolution) => {
    const { resources, issues } = load(entry(resolution));
    expect(issues).toEqual([]);
    expect(resources.clusters.get('outbound|80||api.example.com')).toMatchObject({
      clusterDiscoveryType: { value: Cluster_DiscoveryType.STRICT_DNS },
      loadAssignment: {
        endpoints: [
          {
            lbEndpoints: [
              { hostIdentifier: { value: { address: { address: { value: { address: 'api.example.com' } } } } } },
            ],
          },
        ],
      },
    });
  });

  it.each(['NONE', 'DYNAMIC_DNS'])('for a wildcard leaves to the caller which host it is: %s', (resolution) => {
    const text = entry(`resolution: ${resolution}`).replace('api.example.com', '"*.example.com"');
    const { resources, issues } = load(text);
    expect(issues).toEqual([]);
    expect(resources.clusters.get('outbound|80||*.example.com')).toMatchObject({
      clusterDiscoveryType: { value: Cluster_DiscoveryType.ORIGINAL_DST },
      lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
    });
    expect([...resources.listeners.keys()]).toEqual(['*.example.com:80']);
  });

  it('is a host for those namespaces alone that it is exported to', () => {
    const hosts = (namespace: string, exportTo: string) => [
      ...loadWith(
        { client: { namespace } },
        entry(`resolution: DNS, exportTo: ${exportTo}`),
      ).resources.listeners.keys(),
    ];
    expect(hosts('web', "['.']")).toEqual([]);
    expect(hosts('default', "['.']")).toEqual(['api.example.com:80']);
    expect(hosts('web', '[web]')).toEqual(['api.example.com:80']);
    expect(hosts('web', "['*']")).toEqual(['api.example.com:80']);
  });

  it('that this client sees counts, where another of its host is not for it', () => {
    const hidden = entry("resolution: STATIC, exportTo: ['.'], endpoints: [{ address: 10.0.0.1 }]");
    const own = entry("resolution: STATIC, exportTo: ['.'], endpoints: [{ address: 10.0.0.2 }]").replace(
      'name: api }',
      'name: own, namespace: web }',
    );
    const { resources, issues } = loadWith({ client: { namespace: 'web' } }, hidden, own);
    expect(issues).toEqual([]);
    const { endpoints } = resources.assignments.get('outbound|80||api.example.com')!;
    expect(endpoints).toMatchObject([
      { lbEndpoints: [{ hostIdentifier: { value: { address: { address: { value: { address: '10.0.0.2' } } } } } }] },
    ]);
  });
});
