import { decodeRouteConfiguration } from '@inmesh/xds';
import { describe, expect, it } from 'vitest';
import { formatIssue } from '../issues.js';
import { loadConfig } from '../load-config.js';

function load(text: string) {
  const { resources, issues } = loadConfig([{ path: 'envoy.yaml', text }]);
  return { resources, issues: issues.map((issue) => formatIssue(issue).replaceAll('envoy.yaml:', '')) };
}

const manager = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const router =
  '{ name: router, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router } }';

const cluster = (name: string) =>
  `{ name: ${name}, connect_timeout: 1s, type: STATIC, load_assignment: { cluster_name: ${name} } }`;

function listener(virtualHosts: string, extra = `  clusters: [ ${cluster('a')}, ${cluster('b')} ]`): string {
  return `
static_resources:
  listeners:
    - name: entry
      address: { socket_address: { address: 0.0.0.0, port_value: 8080 } }
      filter_chains:
        - filters:
            - name: http
              typed_config:
                "@type": ${manager}
                stat_prefix: ingress
                http_filters: [ ${router} ]
                route_config: { name: local, virtual_hosts: ${virtualHosts} }
${extra}`;
}

const toCluster = (cluster: string) => `routes: [ { match: { prefix: / }, route: { cluster: ${cluster} } } ]`;

describe('a listener of an Envoy file', () => {
  it('is an entry for each host of its routes, on its port', () => {
    const domains = '[Shop.example.com, "*.example.org", "api.example.com:9000"]';
    const hosts = `[ { name: all, domains: ["*"], ${toCluster('a')} }, { name: some, domains: ${domains}, ${toCluster('b')} } ]`;
    const { resources, issues } = load(listener(hosts));
    expect(issues).toEqual([]);
    expect([...resources.listeners.keys()]).toEqual([
      '*.example.org:8080',
      '*:8080',
      'api.example.com:9000',
      'shop.example.com:8080',
    ]);
    expect([...resources.routes.keys()]).toEqual(['entry/local']);
  });

  it('of TCP is not routed, and says so', () => {
    const tcp = 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';
    const { resources, issues } = load(`
static_resources:
  listeners:
    - address: { socket_address: { address: 0.0.0.0, port_value: 5432 } }
      filter_chains: [ { filters: [ { name: tcp, typed_config: { "@type": ${tcp}, stat_prefix: db, cluster: db } } ] } ]`);
    expect(resources.listeners.size).toBe(0);
    expect(issues).toEqual([
      '4:7: warning: Bootstrap 2: static_resources.listeners[0]: has no HTTP connection manager: nothing is routed by it',
      '5:37: warning: Bootstrap 2: static_resources.listeners[0].filter_chains[0].filters[0]: "tcp" is ignored: only HTTP connection managers are routed',
    ]);
  });

  it('that rewrites a prefix to a slash sends one slash, and says what Envoy does', () => {
    const routes = 'routes: [ { match: { prefix: /a.b }, route: { cluster: a, prefix_rewrite: /new/ } } ]';
    const { resources, issues } = load(listener(`[ { name: all, domains: ["*"], ${routes} } ]`));
    expect(issues).toHaveLength(1);
    expect(issues[0]).toContain('routes[0].route.prefix_rewrite: Envoy sends "/new//x" for "/a.b/x"');
    const action = resources.routes.get('entry/local')?.virtualHosts[0]?.routes[0]?.action;
    expect(action?.case === 'route' && action.value).toMatchObject({
      prefixRewrite: '',
      regexRewrite: { pattern: { regex: '^/a\\.b/?(.*)$' }, substitution: '/new/\\1' },
    });
  });
});

describe('a prefix that is rewritten to a slash', () => {
  it.each([
    ['{ prefix: /a, case_sensitive: false }', '(?i)^/a/?(.*)$'],
    ['{ path_separated_prefix: /a }', '^/a/?(.*)$'],
  ])('is left out with its slash where it is matched by %s', (match, regex) => {
    const routes = `routes: [ { match: ${match}, route: { cluster: a, prefix_rewrite: / } } ]`;
    const { resources } = load(listener(`[ { name: all, domains: ["*"], ${routes} } ]`));
    const action = resources.routes.get('entry/local')?.virtualHosts[0]?.routes[0]?.action;
    expect(action?.case === 'route' && action.value.regexRewrite?.pattern?.regex).toBe(regex);
  });
});

describe('a fault filter of a listener', () => {
  const withFault = (abort: string) => {
    const type = 'type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault';
    const filter = `{ name: envoy.filters.http.fault, typed_config: { "@type": ${type}, abort: { ${abort} } } }`;
    const text = listener(`[ { name: all, domains: ["*"], ${toCluster('a')} } ]`);
    return load(text.replace(router, `${filter}, ${router}`));
  };

  it('is for all of its routes', () => {
    const { resources, issues } = withFault('http_status: 503, percentage: { numerator: 100 }');
    expect(issues).toEqual([]);
    const decoded = decodeRouteConfiguration(resources.routes.get('entry/local')!);
    const [route] = (decoded.ok ? decoded.value.virtualHosts[0]?.routes : undefined) ?? [];
    expect(route?.action).toMatchObject({ kind: 'forward' });
    expect(route?.fault?.abort).toMatchObject({ httpStatus: 503 });
  });

  it('has its mistakes said where it stands', () => {
    expect(withFault('http_status: 99').issues).toEqual([
      expect.stringMatching(/^\d+:\d+: error: .*http_filters\[0\]\.typed_config\.abort\.http_status: /),
    ]);
  });
});

describe('mistakes in an Envoy file', () => {
  it('are said with their line and field: unknown fields, wrong types, wrong values', () => {
    const { issues } = load(`
static_resources:
  clusters:
    - name: a
      conect_timeout: 1s
      type: STRICT_DNZ
    - name: b
      connect_timeout: 250ms
      lb_policy: round_robin
    - [c]
  listenrs: []`);
    expect(issues).toEqual([
      '5:7: error: Bootstrap 2: static_resources.clusters[0].conect_timeout: Cluster has no such field (did you mean "connect_timeout"?)',
      expect.stringMatching(
        /^6:7: error: .*clusters\[0\]\.type: "STRICT_DNZ" is none of STATIC, STRICT_DNS.*did you mean "STRICT_DNS"\?$/,
      ),
      '8:7: error: Bootstrap 2: static_resources.clusters[1].connect_timeout: should be a duration in seconds, such as 0.25s',
      '10:7: error: Bootstrap 2: static_resources.clusters[2]: should be an object',
      '11:3: error: Bootstrap 2: static_resources.listenrs: Envoy has no such field (did you mean "listeners"?)',
    ]);
  });

  it('of what a field means are those that a client would answer with a NACK', () => {
    const { issues } = load('static_resources: { clusters: [ { name: a, type: STRICT_DNS, connect_timeout: -1s } ] }');
    expect(issues.some((issue) => issue.includes('clusters[0].connect_timeout: must not be negative'))).toBe(true);
  });

  it('are durations longer than protobuf has', () => {
    const { issues } = load('static_resources: { clusters: [ { name: a, connect_timeout: 9999999999999s } ] }');
    expect(issues).toEqual([
      expect.stringMatching(/error: .*clusters\[0\]\.connect_timeout: should be within 315576000000s, 10,000 years$/),
    ]);
  });

  it('are routes to clusters that are not there, unless they are not to be checked', () => {
    const weighted = 'weighted_clusters: { clusters: [ { name: a, weight: 1 }, { name: bb, weight: 1 } ] }';
    const mirrored = 'cluster: cluster_c, request_mirror_policies: [ { cluster: d } ]';
    const routes = [weighted, mirrored].map((route) => `{ match: { prefix: / }, route: { ${route} } }`);
    const text = listener(`[ { name: all, domains: ["*"], routes: [ ${routes.join(', ')} ] } ]`);
    const at = 'typed_config.route_config.virtual_hosts[0].routes';
    const { issues } = load(text);
    expect(issues.map((issue) => issue.slice(issue.indexOf('typed_config')))).toEqual([
      `${at}[0].route.weighted_clusters.clusters[1].name: there is no cluster "bb" (did you mean "b"?)`,
      `${at}[1].route.cluster: there is no cluster "cluster_c"`,
      `${at}[1].route.request_mirror_policies[0].cluster: there is no cluster "d" (did you mean "a"?)`,
    ]);
    const broken = text.replace('{ name: b, connect_timeout: 1s', '{ name: bb, connect_timeout: 1');
    expect(load(broken).issues.some((issue) => issue.includes('there is no cluster "bb"'))).toBe(false);
    expect(load(text.replace('name: local,', 'name: local, validate_clusters: false,')).issues).toEqual([]);
  });

  it('are clusters whose endpoints only a server knows', () => {
    const eds = '{ name: a, type: EDS, eds_cluster_config: { eds_config: { ads: {} } } }';
    expect(load(`static_resources: { clusters: [ ${eds} ] }`).issues).toEqual([
      expect.stringMatching(
        /error: .*clusters\[0\]\.type: EDS gets its endpoints from a server \(give a load_assignment/,
      ),
    ]);
  });

  it('are names that stand twice', () => {
    const { issues } = load(`static_resources: { clusters: [ ${cluster('a')}, ${cluster('a')} ] }`);
    expect(issues).toEqual([
      '1:21: error: Bootstrap 1: static_resources.clusters: there is already a cluster with the name "a"',
    ]);
  });

  it('are filters that it cannot do without', () => {
    const lua =
      '{ name: lua, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua } }';
    const text = listener(`[ { name: all, domains: ["*"], ${toCluster('a')} } ]`).replace(router, `${lua}, ${router}`);
    const { issues } = load(text);
    expect(
      issues.some((issue) => /warning: .*http_filters\[0\]\.typed_config\["@type"\]: .* is not known/.test(issue)),
    ).toBe(true);
    expect(issues).toContainEqual(
      expect.stringMatching(
        /error: .*http_filters\[0\]: the filter "lua" is not supported: leave it out, or say is_optional: true$/,
      ),
    );
  });
});

describe('what a proxy process alone needs', () => {
  it('is ignored with the reason', () => {
    const { issues } = load('admin: { address: {} }\nstatic_resources: { secrets: [] }\nadmn: 1');
    expect(issues).toEqual([
      '1:1: warning: Bootstrap 1: admin: is ignored: there is no proxy process to administer',
      '2:21: warning: Bootstrap 1: static_resources.secrets: is ignored: connections are made in plain text',
      '3:1: error: Bootstrap 1: admn: Envoy has no such field (did you mean "admin"?)',
    ]);
  });
});

describe('a file for the API v2', () => {
  it('keeps what it says in words that v3 has others for', () => {
    const { resources, issues } = load(`
static_resources:
  listeners:
    - name: entry
      address: { socket_address: { address: 0.0.0.0, port_value: 80 } }
      filter_chains:
        - tls_context: { common_tls_context: {} }
          filters:
            - name: envoy.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.config.filter.network.http_connection_manager.v2.HttpConnectionManager
                stat_prefix: ingress
                tracing: { operation_name: ingress }
                access_log: [ { name: envoy.file_access_log, config: { path: /dev/stdout } } ]
                http_filters:
                  - { name: envoy.health_check, config: { pass_through_mode: false } }
                  - { name: envoy.router, typed_config: {} }
                route_config:
                  virtual_hosts:
                    - name: all
                      domains: ["*"]
                      cors: { allow_origin: ["*"], allow_origin_regex: ["a.*"] }
                      routes:
                        - match: { prefix: / }
                          route: { cluster: a, host_rewrite: x.example, use_websocket: true }
                          per_filter_config:
                            envoy.fault: { abort: { http_status: 500, percentage: { numerator: 100 } } }
  clusters: [ ${cluster('a')} ]`);
    expect(issues.filter((issue) => issue.includes('error'))).toEqual([
      expect.stringMatching(/http_filters\[0\]: the filter "envoy.health_check" is not supported: leave it out/),
    ]);
    const route = resources.routes.get('entry/')?.virtualHosts[0]?.routes[0];
    expect(route?.action.case === 'route' && route.action.value.hostRewriteSpecifier).toEqual({
      case: 'hostRewriteLiteral',
      value: 'x.example',
    });
    expect(Object.keys(route?.typedPerFilterConfig ?? {})).toEqual(['envoy.filters.http.fault']);
    const { cors } = resources.routes.get('entry/')?.virtualHosts[0] ?? {};
    expect(cors?.allowOriginStringMatch).toMatchObject([
      { matchPattern: { case: 'exact', value: '*' } },
      { matchPattern: { case: 'safeRegex', value: { regex: 'a.*' } } },
    ]);
  });

  it('is converted, with a warning', () => {
    const { resources, issues } = load(`
static_resources:
  listeners:
    - name: entry
      address: { socket_address: { address: 0.0.0.0, port_value: 80 } }
      filter_chains:
        - filters:
            - name: envoy.http_connection_manager
              config:
                codec_type: auto
                stat_prefix: ingress
                http_filters: [ { name: envoy.router } ]
                route_config:
                  virtual_hosts:
                    - name: all
                      domains: ["*"]
                      routes:
                        - match: { regex: "/v[12]/.*", headers: [ { name: x-user, regex_match: "j.*" } ] }
                          route: { cluster: a, request_mirror_policy: { cluster: a } }
  clusters:
    - name: a
      connect_timeout: 0.25s
      type: STRICT_DNS
      lb_policy: ROUND_ROBIN
      hosts: [ { socket_address: { address: a.example.com, port_value: 80 } } ]`);
    expect(issues.filter((issue) => issue.includes('error'))).toEqual([]);
    expect(issues[0]).toContain(
      'static_resources: is written for the API v2, which Envoy no longer reads: converted to v3',
    );
    expect([...resources.listeners.keys()]).toEqual(['*:80']);
    expect(resources.clusters.get('a')?.loadAssignment?.endpoints[0]?.lbEndpoints).toHaveLength(1);
    expect(resources.routes.get('entry/')?.virtualHosts[0]?.routes[0]?.match).toMatchObject({
      pathSpecifier: { case: 'safeRegex', value: { regex: '/v[12]/.*' } },
      headers: [{ headerMatchSpecifier: { case: 'safeRegexMatch', value: { regex: 'j.*' } } }],
    });
  });
});
