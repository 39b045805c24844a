import { isRecord } from '../objects.js';
import { extensions, typeNames } from './v2-types.js';

type Json = Readonly<Record<string, unknown>>;

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
  const steps = [convertType, convertExtension, convertCluster, convertFilterChain, convertRouteAction, convertTracing];
  return [...steps, convertPerFilter, convertCors, convertMirror, convertRegexMatch].reduce<Json>(
    (json, step) => step(json),
    converted,
  );
}

function convertType(value: Json): Json {
  const url = value['@type'];
  if (typeof url !== 'string') return value;
  const modern = typeNames.get(url.slice(url.lastIndexOf('/') + 1));
  return modern === undefined ? value : { ...value, '@type': `type.googleapis.com/${modern}` };
}

/** A filter, or what else is plugged in by a name. */
function convertExtension(value: Json): Json {
  const { name, config, typed_config: typed, ...rest } = value;
  if (typeof name !== 'string' || (config === undefined && typed === undefined && !extensions.has(name))) return value;
  const known = extensions.get(name);
  // Of what is not known the name is enough to refuse it.
  if (known === undefined) return config === undefined ? value : { ...rest, name };
  if (isRecord(typed) && typed['@type'] !== undefined) return { ...rest, name: known.name, typed_config: typed };
  return { ...rest, name: known.name, typed_config: { '@type': known.type, ...recordOf(config), ...recordOf(typed) } };
}

function recordOf(value: unknown): Json {
  return isRecord(value) ? value : {};
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

function convertFilterChain(value: Json): Json {
  const { tls_context: tls, ...rest } = value;
  if (!isRecord(tls) || !Array.isArray(rest.filters)) return value;
  const context = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext';
  return { ...rest, transport_socket: { name: 'envoy.transport_sockets.tls', typed_config: { '@type': context } } };
}

function convertRouteAction(value: Json): Json {
  const { host_rewrite: host, auto_host_rewrite_header: header, use_websocket: webSocket, ...rest } = value;
  return {
    ...rest,
    ...(host !== undefined && { host_rewrite_literal: host }),
    ...(header !== undefined && { host_rewrite_header: header }),
    ...(webSocket === true && { upgrade_configs: [{ upgrade_type: 'websocket' }] }),
  };
}

/** Of a connection manager; v3 tells the direction by the listener. */
function convertTracing(value: Json): Json {
  if (!isRecord(value.tracing)) return value;
  const { operation_name: _, ...tracing } = value.tracing;
  return { ...value, tracing };
}

/** Of a virtual host, a route or a weighted cluster. */
function convertPerFilter(value: Json): Json {
  const { per_filter_config: configs, ...rest } = value;
  if (!isRecord(configs)) return value;
  const typed = Object.entries(configs).map(([written, config]): [string, unknown] => {
    const known = extensions.get(written);
    return known === undefined ? [written, config] : [known.name, { '@type': known.type, ...recordOf(config) }];
  });
  return {
    ...rest,
    typed_per_filter_config: { ...recordOf(rest.typed_per_filter_config), ...Object.fromEntries(typed) },
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
    ...(Array.isArray(exact) ? exact.map((origin) => ({ exact: origin })) : []),
    ...(Array.isArray(regexes) ? regexes.map((regex) => ({ safe_regex: { regex } })) : []),
  ];
  return { ...rest, allow_origin_string_match: matchers };
}
