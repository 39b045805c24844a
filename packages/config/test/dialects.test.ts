import { fromBinary } from '@bufbuild/protobuf';
import { HttpConnectionManagerSchema, type Listener, LocalRateLimitSchema } from '@inmesh/xds/messages';
import { describe, expect, it } from 'vitest';
import type { ClientView, LoadedConfig } from '../src/index.js';
import { load, loadWith, routesOf, service, virtualService } from './support.js';

const proxied = { kind: 'envoy', namespace: 'default', proxyPort: 15_080 } as const;
const redirected = { kind: 'envoy', namespace: 'default' } as const;
const unredirected = { ...redirected, interception: 'NONE' } as const;
const grpc = { kind: 'grpc', namespace: 'default' } as const;

function loadFor(client: ClientView, ...texts: string[]): LoadedConfig {
  return loadWith({ client }, ...texts);
}

/** The domains of a route configuration, by the name of their virtual host. */
function domainsOf({ resources }: LoadedConfig, name: string): Record<string, string[]> {
  const hosts = resources.routes.get(name)?.virtualHosts ?? [];
  return Object.fromEntries(hosts.map((host) => [host.name, host.domains]));
}

/** `name address:port` of each listener, with what becomes of the connections of TCP listeners. */
function listenersOf({ resources }: LoadedConfig): string[] {
  return [...resources.listeners.values()].map(({ name, address, bindToPort }) => {
    const socket = address?.address.case === 'socketAddress' ? address.address.value : undefined;
    return `${name} ${socket?.address}:${socket?.portSpecifier.value}${bindToPort === false ? ' unbound' : ''}`;
  });
}

function managerOf(listener: Listener | undefined) {
  const { configType } = listener!.filterChains[0]!.filters[0]!;
  return fromBinary(HttpConnectionManagerSchema, (configType.value as { value: Uint8Array }).value);
}

const other = service('shop', 80).replace('name: shop', 'name: shop, namespace: other');
const mysql = service('db', 3306).replace('name: http-3306', 'name: mysql');
const wild = `---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: wild }
spec: { hosts: ['*.example.com'], ports: [{ number: 80, name: http, protocol: HTTP }], resolution: NONE }
`;

/** A file of Envoy that listens on a port, with one route for each domain. */
function envoyFile(port: number, ...domains: string[]): string {
  const hosts = domains.map(
    (domain) => `{ name: local, domains: ['${domain}'], routes: [{ match: { prefix: / }, route: { cluster: c } }] }`,
  );
  return `
static_resources:
  clusters:
    - name: c
      type: STATIC
      load_assignment:
        cluster_name: c
        endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 10.0.0.1, port_value: 1 } } } }] }]
  listeners:
    - name: in
      address: { socket_address: { address: 0.0.0.0, port_value: ${port} } }
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                '@type': type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: in
                common_http_protocol_options: { idle_timeout: 60s }
                route_config:
                  name: local
                  request_headers_to_add: [{ header: { key: x-from, value: file } }]
                  virtual_hosts: [${hosts.join(', ')}]
                http_filters:
                  - name: envoy.filters.http.router
                    typed_config: { '@type': type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
`;
}

describe('An Envoy with a port for a proxy', () => {
  it('has one listener, on loopback', () => {
    expect(listenersOf(loadFor(proxied, service('shop', 80, 8080)))).toEqual(['127.0.0.1_15080 127.0.0.1:15080']);
  });

  it('takes a host without a port for port 80, else for the only port', () => {
    const loaded = loadFor(proxied, service('shop', 80, 8080), service('cart', 9000), service('two', 1000, 2000));
    expect(domainsOf(loaded, 'http_proxy')).toEqual({
      'shop.default.svc.cluster.local:80': domainsNamed('shop', 80, true),
      'two.default.svc.cluster.local:1000': domainsNamed('two', 1000, false),
      'two.default.svc.cluster.local:2000': domainsNamed('two', 2000, false),
      'shop.default.svc.cluster.local:8080': domainsNamed('shop', 8080, false),
      'cart.default.svc.cluster.local:9000': domainsNamed('cart', 9000, true),
      block_all: ['*'],
    });
  });

  it('takes the shortest name for the Service of its own namespace', () => {
    const names = (namespace: string) =>
      Object.entries(domainsOf(loadFor({ ...proxied, namespace }, service('shop', 80), other), 'http_proxy'))
        .filter(([, domains]) => domains.includes('shop'))
        .map(([name]) => name);
    expect(names('default')).toEqual(['shop.default.svc.cluster.local:80']);
    expect(names('other')).toEqual(['shop.other.svc.cluster.local:80']);
    expect(names('third')).toEqual([]);
  });

  it('answers 502 to hosts that nothing names, which it cannot find', () => {
    const { resources } = loadFor(proxied, service('shop', 80));
    const last = resources.routes.get('http_proxy')?.virtualHosts.at(-1);
    expect(last?.routes[0]?.action).toMatchObject({ case: 'directResponse', value: { status: 502 } });
  });

  it('takes any host of a port by its port, and without one for port 80', () => {
    const loaded = loadFor(proxied, envoyFile(80, '*'));
    expect(Object.values(domainsOf(loaded, 'http_proxy'))).toEqual([['*:80'], ['*']]);
    const [guarded, blocked] = loaded.resources.routes.get('http_proxy')?.virtualHosts[1]?.routes ?? [];
    expect(guarded?.match?.headers.map(({ name }) => name)).toEqual([':authority']);
    expect(blocked?.action.case).toBe('directResponse');
    expect(Object.values(domainsOf(loadFor(proxied, envoyFile(81, '*')), 'http_proxy'))).toEqual([['*:81'], ['*']]);
  });
});

function domainsNamed(name: string, port: number, bare: boolean): string[] {
  return [`${name}.default.svc.cluster.local`, `${name}.default.svc`, `${name}.default`, name].flatMap((host) => [
    ...(bare ? [host] : []),
    `${host}:${port}`,
  ]);
}

describe('An Envoy that connections are redirected to', () => {
  it('has a listener for each port, which the one on 15001 hands them to', () => {
    expect(listenersOf(loadFor(redirected, service('shop', 80, 8080), other, mysql))).toEqual([
      '0.0.0.0_80 0.0.0.0:80 unbound',
      '0.0.0.0_8080 0.0.0.0:8080 unbound',
      'virtualOutbound 0.0.0.0:15001',
    ]);
  });

  it('has the hosts of a port in one route configuration', () => {
    const loaded = loadFor(redirected, service('shop', 80), other, wild);
    expect(Object.keys(domainsOf(loaded, '80'))).toEqual([
      '*.example.com:80',
      'shop.default.svc.cluster.local:80',
      'shop.other.svc.cluster.local:80',
      'allow_any',
    ]);
    const domains = Object.values(domainsOf(loaded, '80')).flat();
    expect(new Set(domains).size).toBe(domains.length);
  });

  it('passes on what nothing names, or refuses it where only the registry may be called', () => {
    const hosts = (client: ClientView) =>
      loadFor(client, service('shop', 80)).resources.routes.get('80')?.virtualHosts.at(-1)?.routes[0]?.action;
    expect(hosts(redirected)).toMatchObject({ value: { clusterSpecifier: { value: 'PassthroughCluster' } } });
    expect(hosts({ ...redirected, egress: 'REGISTRY_ONLY' })).toMatchObject({ value: { status: 502 } });
  });

  it('lets connections of other protocols through on their ports, where only the registry may be called', () => {
    const client = { ...redirected, egress: 'REGISTRY_ONLY' } as const;
    const loaded = loadFor(client, service('shop', 80), mysql);
    expect(listenersOf(loaded)).toEqual([
      '0.0.0.0_3306 0.0.0.0:3306 unbound',
      '0.0.0.0_80 0.0.0.0:80 unbound',
      'virtualOutbound 0.0.0.0:15001',
    ]);
    const filters = loaded.resources.listeners.get('0.0.0.0_3306')?.filterChains[0]?.filters;
    expect(filters?.map(({ name }) => name)).toEqual(['envoy.filters.network.tcp_proxy']);
    expect([...loaded.resources.routes.keys()]).toEqual(['80']);
  });

  it('says to the called which attempt it is', () => {
    const hosts = loadFor(redirected, service('shop', 80)).resources.routes.get('80')?.virtualHosts ?? [];
    expect(hosts.map(({ includeRequestAttemptCount }) => includeRequestAttemptCount)).toEqual([true, true]);
  });

  it('has each name of a virtual host once, and what its file says of all of them', () => {
    const { resources } = loadFor(redirected, envoyFile(8080, 'a.example.com', 'b.example.com'));
    const hosts = resources.routes.get('8080')?.virtualHosts ?? [];
    expect(hosts.map(({ name }) => name)).toEqual(['local', 'local 2', 'allow_any']);
    expect(hosts[1]?.requestHeadersToAdd[0]?.header?.value).toBe('file');
  });

  it('routes what its Gateway has a rule for by that, and the rest by the Service', () => {
    const gateway = `---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: edge }
spec:
  selector: { app: edge }
  servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: [shop.default.svc.cluster.local] }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: edge }
spec:
  hosts: [shop.default.svc.cluster.local]
  gateways: [edge]
  http: [{ directResponse: { status: 418 } }]
`;
    const loaded = loadFor(
      { ...redirected, labels: { app: 'edge' } },
      service('shop', 80),
      service('cart', 80),
      gateway,
    );
    const hosts = loaded.resources.routes.get('80')?.virtualHosts ?? [];
    const shop = hosts.filter(({ domains }) => domains.includes('shop.default.svc.cluster.local:80'));
    expect(shop.map(({ routes }) => routes[0]?.action.case)).toEqual(['directResponse']);
    expect(hosts.map(({ name }) => name)).toContain('cart.default.svc.cluster.local:80');
  });

  it('has clusters for what is passed on and what is dropped', () => {
    const { clusters } = loadFor(redirected).resources;
    expect([...clusters.keys()]).toEqual(['BlackHoleCluster', 'PassthroughCluster']);
  });

  it('says of localities in one place, as Envoy wants it', () => {
    const rule = `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: shop }
spec:
  host: shop
  trafficPolicy:
    outlierDetection: {}
    loadBalancer: { localityLbSetting: { distribute: [{ from: '*', to: { '*': 100 } }] } }
`;
    const cluster = 'outbound|80||shop.default.svc.cluster.local';
    const said = (client: ClientView) =>
      loadFor(client, service('shop', 80), rule).resources.clusters.get(cluster)?.commonLbConfig
        ?.localityConfigSpecifier.case;
    expect(said({ namespace: 'default' })).toBe('localityWeightedLbConfig');
    expect(said(redirected)).toBeUndefined();
  });
});

describe('An Envoy that connections are not redirected to', () => {
  it('has listeners on loopback, and passes nothing on', () => {
    const loaded = loadFor(unredirected, service('shop', 80, 8080));
    expect(listenersOf(loaded)).toEqual(['127.0.0.1_80 127.0.0.1:80', '127.0.0.1_8080 127.0.0.1:8080']);
    expect(Object.keys(domainsOf(loaded, '80'))).toContain('block_all');
  });
});

describe('Limits for an Envoy', () => {
  const limits = `
limits:
  - { requests: 2, per: 10ms, destination: shop, side: outbound, name: own }
  - { requests: 5, per: 1s, destination: shop, side: inbound, name: theirs }
`;
  const loaded = loadFor(redirected, service('shop', 80), limits);
  const key = 'inmesh.rate_limit.outbound.mesh.own';

  it("are the caller's, each with a filter before the others", () => {
    const { httpFilters } = managerOf(loaded.resources.listeners.get('0.0.0.0_80'));
    expect(httpFilters.map(({ name }) => name)).toEqual([
      key,
      'envoy.filters.http.cors',
      'envoy.filters.http.fault',
      'envoy.filters.http.router',
    ]);
  });

  it('stand on the virtual host, so that its routes share them', () => {
    const [host] = loaded.resources.routes.get('80')?.virtualHosts ?? [];
    expect(Object.keys(host?.typedPerFilterConfig ?? {})).toEqual([key]);
    expect(host?.routes.flatMap(({ typedPerFilterConfig }) => Object.keys(typedPerFilterConfig))).toEqual([]);
  });

  it('fill at most every 50 ms, with more at a time', () => {
    const [host] = loaded.resources.routes.get('80')?.virtualHosts ?? [];
    const { tokenBucket } = fromBinary(LocalRateLimitSchema, host!.typedPerFilterConfig[key]!.value);
    expect(tokenBucket).toMatchObject({ maxTokens: 10, tokensPerFill: 10, fillInterval: { seconds: 0n, nanos: 50e6 } });
  });
});

describe('A gRPC client', () => {
  it('may dial a Service by each of its names', () => {
    const { resources } = loadFor(grpc, service('shop', 80), other);
    expect([...resources.listeners.keys()]).toEqual([
      'shop.default.svc.cluster.local:80',
      'shop.default.svc:80',
      'shop.default:80',
      'shop.other.svc.cluster.local:80',
      'shop.other.svc:80',
      'shop.other:80',
      'shop:80',
    ]);
    expect([...resources.routes.keys()]).toEqual([
      'shop.default.svc.cluster.local:80',
      'shop.other.svc.cluster.local:80',
    ]);
  });

  it('has no listener with a wildcard, nor its routes', () => {
    const { resources } = loadFor({ ...grpc, egress: 'REGISTRY_ONLY' }, wild, envoyFile(8080, '*'));
    expect([...resources.listeners.keys(), ...resources.routes.keys()]).toEqual([]);
  });

  it('is told of a cluster with no endpoints where routes answer by themselves', () => {
    const routes = virtualService(`    - { match: [{ uri: { exact: /a } }], redirect: { uri: /b } }
    - { directResponse: { status: 404 } }`);
    const loaded = loadFor(grpc, service('shop', 80), routes);
    expect(routesOf(loaded, 'shop.default.svc.cluster.local:80')).toEqual([
      'path /a -> inmesh-invalid-backend',
      'prefix / -> inmesh-invalid-backend',
    ]);
    expect(loaded.resources.clusters.has('inmesh-invalid-backend')).toBe(true);
    expect(loaded.resources.assignments.get('inmesh-invalid-backend')?.endpoints).toEqual([]);
  });

  it('finds a host of an Envoy file with its port, and no setting that is for proxies', () => {
    const { resources } = loadFor(grpc, envoyFile(8080, 'a.example.com'));
    const listener = resources.listeners.get('a.example.com:8080');
    const packed = listener?.apiListener?.apiListener;
    const { commonHttpProtocolOptions, httpFilters } = fromBinary(HttpConnectionManagerSchema, packed!.value);
    expect(commonHttpProtocolOptions).toBeUndefined();
    expect(httpFilters.at(-1)?.name).toBe('envoy.filters.http.router');
    const [host] = [...resources.routes.values()].flatMap(({ virtualHosts }) => virtualHosts);
    expect(host?.domains).toEqual(['a.example.com', 'a.example.com:8080']);
    expect(resources.assignments.get('c')?.endpoints).toHaveLength(1);
  });

  it('has the same objects as the SDK where nothing differs', () => {
    const [sdk, library] = [load(service('shop', 80)), loadFor(grpc, service('shop', 80))];
    const cluster = 'outbound|80||shop.default.svc.cluster.local';
    expect(library.resources.clusters.get(cluster)).toEqual(sdk.resources.clusters.get(cluster));
    const name = 'shop.default.svc.cluster.local:80';
    expect(library.resources.routes.get(name)).toEqual(sdk.resources.routes.get(name));
    expect(library.resources.listeners.get(name)).toEqual(sdk.resources.listeners.get(name));
  });
});
