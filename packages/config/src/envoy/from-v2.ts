import { isRecord } from '../objects.js';

type Json = Readonly<Record<string, unknown>>;

const typeNames: ReadonlyMap<string, string> = new Map([
  [
    'envoy.config.filter.network.http_connection_manager.v2.HttpConnectionManager',
    'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
  ],
  ['envoy.config.filter.network.tcp_proxy.v2.TcpProxy', 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy'],
  ['envoy.config.filter.http.router.v2.Router', 'envoy.extensions.filters.http.router.v3.Router'],
  ['envoy.config.filter.http.fault.v2.HTTPFault', 'envoy.extensions.filters.http.fault.v3.HTTPFault'],
  ['envoy.config.filter.http.cors.v2.Cors', 'envoy.extensions.filters.http.cors.v3.Cors'],
  ['envoy.config.accesslog.v2.FileAccessLog', 'envoy.extensions.access_loggers.file.v3.FileAccessLog'],
  ['envoy.api.v2.auth.UpstreamTlsContext', 'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext'],
]);

/** Filters that v2 knew by a name alone, with what v3 calls them and their configuration. */
const filters: ReadonlyMap<string, { readonly name: string; readonly type: string }> = new Map(
  [
    [
      'http_connection_manager',
      'network.http_connection_manager',
      'network.http_connection_manager.v3.HttpConnectionManager',
    ],
    ['tcp_proxy', 'network.tcp_proxy', 'network.tcp_proxy.v3.TcpProxy'],
    ['router', 'http.router', 'http.router.v3.Router'],
    ['fault', 'http.fault', 'http.fault.v3.HTTPFault'],
    ['cors', 'http.cors', 'http.cors.v3.Cors'],
  ].flatMap(([old, name, type]) => {
    const modern = { name: `envoy.filters.${name}`, type: `type.googleapis.com/envoy.extensions.filters.${type}` };
    return [
      [`envoy.${old}`, modern],
      [modern.name, modern],
    ] as const;
  }),
);

/** Whether a value says somewhere that it is written for Envoy's API v2, which Envoy itself no longer reads. */
export function isV2(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(isV2);
  if (!isRecord(value)) return false;
  const { '@type': type, name } = value;
  if (typeof type === 'string' && /\.v2(alpha\w*)?\.|\.api\.v2\./.test(type)) return true;
  if (typeof name === 'string' && /^envoy\.(http_connection_manager|router|tcp_proxy|fault|cors)$/.test(name))
    return true;
  if (isRecord(value.config) && typeof name === 'string') return true;
  if (Array.isArray(value.hosts) && value.connect_timeout !== undefined) return true;
  return Object.values(value).some(isV2);
}

/** The same in the words of v3. What v3 does not have stays, and is found as an unknown field. */
export function fromV2(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fromV2);
  if (!isRecord(value)) return value;
  const converted = Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, key === 'match' ? convertRouteMatch(fromV2(item)) : fromV2(item)]),
  );
  return convertRegexMatch(convertMirror(convertCors(convertCluster(convertFilter(convertType(converted))))));
}

function convertType(value: Json): Json {
  const url = value['@type'];
  if (typeof url !== 'string') return value;
  const modern = typeNames.get(url.slice(url.lastIndexOf('/') + 1));
  return modern === undefined ? value : { ...value, '@type': `type.googleapis.com/${modern}` };
}

function convertFilter(value: Json): Json {
  const { name, config, ...rest } = value;
  const known = typeof name === 'string' ? filters.get(name) : undefined;
  if (known === undefined) return value;
  if (rest.typed_config !== undefined) return { ...rest, name: known.name };
  return { ...rest, name: known.name, typed_config: { '@type': known.type, ...(isRecord(config) ? config : {}) } };
}

function convertCluster(value: Json): Json {
  const { hosts, tls_context: tls, ...rest } = value;
  if (rest.connect_timeout === undefined || typeof rest.name !== 'string') return value;
  const context = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext';
  return {
    ...rest,
    ...(Array.isArray(hosts) && {
      load_assignment: {
        cluster_name: rest.name,
        endpoints: [{ lb_endpoints: hosts.map((address) => ({ endpoint: { address } })) }],
      },
    }),
    ...(isRecord(tls) && {
      transport_socket: { name: 'envoy.transport_sockets.tls', typed_config: { '@type': context, ...tls } },
    }),
  };
}

/** The `regex` of a route's path. */
function convertRouteMatch(value: unknown): unknown {
  if (!isRecord(value) || typeof value.regex !== 'string') return value;
  const { regex, ...rest } = value;
  return { ...rest, safe_regex: { regex } };
}

/** Of a header or a query parameter. */
function convertRegexMatch(value: Json): Json {
  const { regex_match: regex, ...rest } = value;
  return typeof regex === 'string' ? { ...rest, safe_regex_match: { regex } } : value;
}

function convertMirror(value: Json): Json {
  const { request_mirror_policy: mirror, ...rest } = value;
  return isRecord(mirror) ? { ...rest, request_mirror_policies: [mirror] } : value;
}

function convertCors(value: Json): Json {
  const { allow_origin: exact, allow_origin_regex: regexes, ...rest } = value;
  if (!Array.isArray(exact) && !Array.isArray(regexes)) return value;
  const matchers = [
    ...(Array.isArray(exact) ? exact.map((origin) => (origin === '*' ? { prefix: '' } : { exact: origin })) : []),
    ...(Array.isArray(regexes) ? regexes.map((regex) => ({ safe_regex: { regex } })) : []),
  ];
  return { ...rest, allow_origin_string_match: matchers };
}
