import { fromBinary, type JsonObject, type Message, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { listenerMessage, problemsOf, resourceSet } from '../../test/fixtures.js';
import { chain, inboundListener, jwt, manager, meshTls, rbac, typed } from '../../test/inbound-fixtures.js';
import { istiodInbound } from '../../test/istiod-inbound.js';
import {
  CorsSchema,
  DownstreamTlsContextSchema,
  FaultDelaySchema,
  HTTPFaultSchema,
  HttpConnectionManagerSchema,
  RouterSchema,
} from '../messages.js';
import { decodeListener } from './decode-listener.js';
import { decodeResources } from './decode-resources.js';

const deny = rbac({ rules: { action: 'DENY' } });
const ofClients = rbac({
  rules: {
    policies: {
      p: {
        permissions: [{ any: true }],
        principals: [{ notId: { remoteIp: { addressPrefix: '10.0.0.1', prefixLen: 8 } } }],
      },
    },
  },
});
const denied = { kind: 'rbac', shadow: false, rules: { action: 'deny', policies: [] } };

function chainsOf(chains: JsonObject[], more: JsonObject = {}) {
  const result = decodeListener(inboundListener(chains, more));
  if (!result.ok) throw new Error(problemsOf(result).join('\n'));
  return result.value.inbound?.chains;
}

const problems = (chains: JsonObject[], more: JsonObject = {}) =>
  problemsOf(decodeListener(inboundListener(chains, more))).join('; ');

const downstream = (common: JsonObject, more: JsonObject = {}) =>
  typed('tls', DownstreamTlsContextSchema, { commonTlsContext: common, ...more });

const own = {
  tlsCertificateSdsSecretConfigs: [{ name: 'default' }],
  validationContextSdsSecretConfig: { name: 'ROOTCA' },
};

describe('an inbound listener', () => {
  it('has a chain for each way in', () => {
    const filterChainMatch = (destinationPort: number, transportProtocol: string) => ({
      destinationPort,
      transportProtocol,
    });
    expect(
      chainsOf([
        chain([deny], { filterChainMatch: filterChainMatch(8080, 'tls'), transportSocket: meshTls }),
        chain([deny], { filterChainMatch: filterChainMatch(8080, 'raw_buffer') }),
        chain([], { filterChainMatch: { transportProtocol: 'tls' }, transportSocket: meshTls }),
      ]),
    ).toEqual([
      { port: 8080, transport: 'tls', clientCertificate: 'required', filters: [denied] },
      { port: 8080, transport: 'plaintext', clientCertificate: 'optional', filters: [denied] },
      { port: 0, transport: 'tls', clientCertificate: 'required', filters: [] },
    ]);
  });

  it('keeps its filters in order', () => {
    const filters = [jwt({}), rbac({ rules: { action: 'LOG' } }), deny, rbac({ rules: {} })];
    expect(chainsOf([chain(filters)])?.[0]?.filters).toMatchObject([
      { kind: 'jwt' },
      { rules: { action: 'log' } },
      { rules: { action: 'deny' } },
      { rules: { action: 'allow' } },
    ]);
  });

  it('asks for a client certificate, or demands one', () => {
    const of = (more: JsonObject) =>
      chainsOf([chain([], { transportSocket: downstream(own, more) })])?.[0]?.clientCertificate;
    expect([of({}), of({ requireClientCertificate: false }), of({ requireClientCertificate: true })]).toEqual([
      'optional',
      'optional',
      'required',
    ]);
  });

  it('asks for the trust domains that istiod names, of those that show a certificate', () => {
    const transportSocket = downstream({
      tlsCertificateSdsSecretConfigs: [{ name: 'default' }],
      combinedValidationContext: {
        defaultValidationContext: { matchSubjectAltNames: [{ prefix: 'spiffe://cluster.local/' }] },
        validationContextSdsSecretConfig: { name: 'ROOTCA' },
      },
    });
    const matcher = { kind: 'prefix', value: 'spiffe://cluster.local/', ignoreCase: false };
    expect(chainsOf([chain([deny], { transportSocket })])?.[0]?.filters).toEqual([
      {
        kind: 'rbac',
        shadow: false,
        rules: {
          action: 'allow',
          policies: [
            {
              name: 'names of clients',
              permissions: [{ kind: 'any' }],
              principals: [
                { kind: 'authenticated', matcher },
                { kind: 'not', principal: { kind: 'authenticated', matcher: undefined } },
              ],
            },
          ],
        },
      },
      denied,
    ]);
  });

  it('is for its own port where it is not the one for all ports', () => {
    const address = { socketAddress: { address: '0.0.0.0', portValue: 9000 } };
    expect(chainsOf([chain([deny])], { name: 'mine', address })?.[0]?.port).toBe(9000);
    expect(chainsOf([chain([deny])], { name: 'mine', address, useOriginalDst: true })?.[0]?.port).toBe(0);
  });

  it('has a default chain, and passes over the proxy’s own port', () => {
    const blackhole = {
      filterChainMatch: { destinationPort: 15006 },
      filters: [{ name: 'envoy.filters.network.tcp_proxy' }],
    };
    expect(chainsOf([blackhole], { defaultFilterChain: chain([deny]) })).toMatchObject([
      { port: 0, filters: [denied] },
    ]);
  });

  it.each([
    [{ normalizePath: true }, undefined],
    [{ normalizePath: true, mergeSlashes: true }, 'mergeSlashes'],
    [{ mergeSlashes: true, pathWithEscapedSlashesAction: 'UNESCAPE_AND_FORWARD' }, 'decodeAndMergeSlashes'],
    [{ pathWithEscapedSlashesAction: 'REJECT_REQUEST' }, undefined],
  ])('reads paths as %j says', (settings, expected) => {
    expect(chainsOf([{ filters: [manager([], settings)] }])?.[0]?.pathNormalization).toBe(expected);
  });

  it('is read as istiod writes it', () => {
    const mutual = {
      destinationPort: 9080,
      transportProtocol: 'tls',
      applicationProtocols: ['istio', 'istio-peer-exchange', 'istio-http/1.0', 'istio-http/1.1', 'istio-h2'],
    };
    const cors = typed('envoy.filters.http.cors', CorsSchema, {});
    const fault = typed('envoy.filters.http.fault', HTTPFaultSchema, {});
    const network = manager([cors, fault, deny], {
      forwardClientCertDetails: 'APPEND_FORWARD',
      setCurrentClientCertDetails: { subject: true, dns: true, uri: true },
      normalizePath: true,
      useRemoteAddress: false,
      upgradeConfigs: [{ upgradeType: 'websocket' }],
    });
    const exchange = { name: 'istio.metadata_exchange' };
    const listener = inboundListener(
      [
        { name: '0.0.0.0_9080', filterChainMatch: mutual, filters: [exchange, network], transportSocket: meshTls },
        {
          name: '0.0.0.0_9080',
          filterChainMatch: { destinationPort: 9080, transportProtocol: 'raw_buffer' },
          filters: [exchange, network],
        },
      ],
      { useOriginalDst: true, listenerFilters: [{ name: 'envoy.filters.listener.tls_inspector' }] },
    );
    const result = decodeListener(listener);
    expect(result).toMatchObject({ ok: true, warnings: [] });
    expect(result.ok && result.value.inbound?.chains).toEqual([
      { port: 9080, transport: 'tls', clientCertificate: 'required', filters: [denied] },
      { port: 9080, transport: 'plaintext', clientCertificate: 'optional', filters: [denied] },
    ]);
  });

  describe('of istiod', () => {
    const tcpRules = [{ name: 'envoy.filters.network.rbac' }];
    const wayIn = (port: number, transport: string, filters: unknown[] = [denied]) => {
      const clientCertificate = transport === 'tls' ? 'required' : 'optional';
      return { port, transport, clientCertificate, filters };
    };

    it('is read for its HTTP, whatever it has for TCP beside that', () => {
      const ports = [
        { port: 8080, kind: 'auto' },
        { port: 8081, kind: 'http' },
      ] as const;
      const options = { ports, httpFilters: [deny], networkFilters: tcpRules };
      const permissive = decodeListener(istiodInbound({ mode: 'PERMISSIVE', ...options }));
      expect(permissive).toMatchObject({ ok: true, warnings: [] });
      expect(permissive.ok && permissive.value.inbound?.chains).toEqual(
        [0, 8080, 8081].flatMap((port) => [wayIn(port, 'tls'), wayIn(port, 'plaintext')]),
      );
      const strict = decodeListener(istiodInbound({ mode: 'STRICT', ...options }));
      expect(strict).toMatchObject({ ok: true, warnings: [] });
      expect(strict.ok && strict.value.inbound?.chains).toEqual([0, 8080, 8081].map((port) => wayIn(port, 'tls')));
    });

    it('lets HTTP in as TCP where a port is said to have that alone, without taking less than TLS', () => {
      const ports = [{ port: 9000, kind: 'tcp' }] as const;
      const of = (mode: 'STRICT' | 'PERMISSIVE') => decodeListener(istiodInbound({ mode, ports, httpFilters: [deny] }));
      const permissive = of('PERMISSIVE');
      expect(permissive.ok && permissive.value.inbound?.chains.slice(2)).toEqual([
        wayIn(9000, 'tls', []),
        wayIn(9000, 'plaintext', []),
      ]);
      const strict = of('STRICT');
      expect(strict.ok && strict.value.inbound?.chains.slice(1)).toEqual([wayIn(9000, 'tls', [])]);
    });

    it('is closed where TCP has a policy of its own, with a word about it', () => {
      const ports = [{ port: 9000, kind: 'tcp' }] as const;
      const result = decodeListener(
        istiodInbound({ mode: 'STRICT', ports, httpFilters: [deny], networkFilters: tcpRules }),
      );
      const nobody = { kind: 'rbac', shadow: false, rules: { action: 'allow', policies: [] } };
      expect(result.ok && result.value.inbound?.chains.slice(1)).toEqual([wayIn(9000, 'tls', [nobody])]);
      expect(result.ok && result.warnings).toEqual([
        {
          path: 'filter_chains[3]',
          message:
            'port 9000, tls is closed to HTTP: filters[1]: "envoy.filters.network.rbac" may decide who is let in',
        },
      ]);
    });
  });

  it('leaves out filters that let everyone in, that are switched off, and that are optional', () => {
    const fault = typed('envoy.filters.http.fault', HTTPFaultSchema, {});
    const optional = { ...typed('lua', FaultDelaySchema, {}), isOptional: true };
    const off = { ...jwt({}), disabled: true };
    expect(chainsOf([chain([fault, optional, off, deny])])?.[0]?.filters).toEqual([denied]);
  });
});

describe('an inbound listener is refused', () => {
  const unknown = typed('lua', FaultDelaySchema, {});
  const router = typed('envoy.filters.http.router', RouterSchema, {});
  const rdsManager = typed('hcm', HttpConnectionManagerSchema, { rds: {}, httpFilters: [router] });

  it.each<[string, JsonObject[], string]>([
    ['without chains', [], 'filter_chains: is empty'],
    ['without HTTP', [{ filters: [] }], 'have no HTTP connection manager'],
    [
      'with another network filter',
      [{ filters: [{ name: 'envoy.filters.network.rbac' }, manager([])] }],
      'only HTTP is',
    ],
    ['with two chains for one way', [chain([]), chain([])], 'have two for every other port, plaintext'],
    ['with routes from elsewhere', [{ filters: [rdsManager] }], 'rds: is not supported'],
    [
      'with chains by address',
      [chain([], { filterChainMatch: { serverNames: ['a'] } })],
      'server_names: is not supported',
    ],
    [
      'with a protocol of its own',
      [chain([], { filterChainMatch: { applicationProtocols: ['x'] } })],
      '"x" is not supported',
    ],
    [
      'with TLS that nobody ends',
      [chain([], { filterChainMatch: { transportProtocol: 'tls' } })],
      'has no TLS context',
    ],
    [
      'with TLS in clear text',
      [chain([], { filterChainMatch: { transportProtocol: 'raw_buffer' }, transportSocket: meshTls })],
      'has a TLS context',
    ],
    [
      'with clients that are read in another way than its policies can',
      [{ filters: [manager([ofClients], { useRemoteAddress: true })] }],
      'use_remote_address: is not supported where policies ask for remote_ip',
    ],
    [
      'with proxies that its policies would have to look behind',
      [{ filters: [manager([ofClients], { xffNumTrustedHops: 1 })] }],
      'xff_num_trusted_hops: is not supported',
    ],
    [
      'with another certificate',
      [chain([], { transportSocket: downstream({ ...own, tlsCertificateSdsSecretConfigs: [{ name: 'x' }] }) })],
      'should name the certificate "default"',
    ],
    [
      'with other authorities',
      [chain([], { transportSocket: downstream({ ...own, validationContextSdsSecretConfig: { name: 'x' } }) })],
      'should name the authorities "ROOTCA"',
    ],
    [
      'without authorities',
      [chain([], { transportSocket: downstream({ tlsCertificateSdsSecretConfigs: [{ name: 'default' }] }) })],
      'should name the authorities',
    ],
  ])('%s', (_, chains, expected) => {
    expect(problems(chains)).toContain(expected);
  });

  it('with filters of routes, at every level', () => {
    const typedPerFilterConfig = { x: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC' } };
    const route = { typedPerFilterConfig, route: { weightedClusters: { clusters: [{ typedPerFilterConfig }] } } };
    const routeConfig = { typedPerFilterConfig, virtualHosts: [{ typedPerFilterConfig, routes: [route] }] };
    expect(problems([{ filters: [manager([], { routeConfig })] }]).match(/are the same for all routes/g)).toHaveLength(
      4,
    );
  });

  it('with a filter that is not known, in any place, and without a router', () => {
    expect(problems([chain([unknown, deny])])).toContain('the filter "lua"');
    expect(problems([{ filters: [manager([router, deny])] }])).toContain('a router must be the last filter');
    expect(problems([{ filters: [manager([], { httpFilters: [] })] }])).toContain('http_filters: is empty');
    expect(problems([{ filters: [manager([], { httpFilters: [deny] })] }])).toContain('must be a router');
  });

  it('with a filter or a connection manager that has fields of a newer proto', () => {
    const newer = [{ no: 999, wireType: 0, data: new Uint8Array([1]) }];
    const listener = inboundListener([chain([deny])]);
    const { configType } = listener.filterChains[0]!.filters[0]!;
    const config = configType.case === 'typedConfig' ? configType.value : undefined;
    const read = fromBinary(HttpConnectionManagerSchema, config!.value);
    const refusal = (where: { $unknown?: Message['$unknown'] }) => {
      where.$unknown = newer;
      config!.value = toBinary(HttpConnectionManagerSchema, read);
      delete where.$unknown;
      return problemsOf(decodeListener(listener)).join('; ');
    };
    expect(refusal(read)).toMatch(/field 999 of .*HttpConnectionManager is unknown/);
    expect(refusal(read.httpFilters[0]!)).toMatch(/http_filters\[0\].*field 999 of .*HttpFilter is unknown/);
    expect(refusal({})).toBe('');
  });

  it('with paths that are read in a way of their own', () => {
    const settings: JsonObject[] = [
      { pathWithEscapedSlashesAction: 'UNESCAPE_AND_REDIRECT', mergeSlashes: true },
      { pathWithEscapedSlashesAction: 'UNESCAPE_AND_FORWARD' },
      { pathNormalizationOptions: {} },
    ];
    for (const one of settings) expect(problems([{ filters: [manager([], one)] }])).toMatch(/path_(with|normal)/);
  });

  it('as an API listener', () => {
    const listener = listenerMessage('virtualInbound');
    expect(problemsOf(decodeListener(listener)).join('; ')).toContain('api_listener: is for calls that go out');
  });
});

describe('a set of resources', () => {
  const broken = inboundListener([chain([rbac({ matcher: {} })])]);

  it('has what comes in apart from what goes out', () => {
    const { resources, errors } = decodeResources(
      resourceSet({ listeners: [inboundListener([chain([deny])]), listenerMessage('a:80')] }),
    );
    expect(errors).toEqual([]);
    expect([...resources.listeners.keys()]).toEqual(['a:80']);
    expect(resources.inbound).toMatchObject({ name: 'virtualInbound', chains: [{ filters: [denied] }] });
  });

  it('lets nobody in where a policy could not be read', () => {
    const { resources, errors } = decodeResources(resourceSet({ listeners: [broken] }));
    expect(errors).toMatchObject([{ name: 'virtualInbound' }]);
    expect(resources.inbound).toEqual({ name: 'virtualInbound', chains: [] });
  });

  it('demands nothing without one', () => {
    expect(decodeResources(resourceSet({})).resources.inbound).toBeUndefined();
  });
});
