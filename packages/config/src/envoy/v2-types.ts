/** Messages of v2 by their full name, with the name that v3 gives them. */
export const typeNames: ReadonlyMap<string, string> = new Map([
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

export interface Extension {
  readonly name: string;
  /** For `@type`. */
  readonly type: string;
}

/** What v2 knew by a name alone, by that name and by the one of v3. */
export const extensions: ReadonlyMap<string, Extension> = new Map(
  [
    [
      'http_connection_manager',
      'filters.network.http_connection_manager',
      'filters.network.http_connection_manager.v3.HttpConnectionManager',
    ],
    ['tcp_proxy', 'filters.network.tcp_proxy', 'filters.network.tcp_proxy.v3.TcpProxy'],
    ['router', 'filters.http.router', 'filters.http.router.v3.Router'],
    ['fault', 'filters.http.fault', 'filters.http.fault.v3.HTTPFault'],
    ['cors', 'filters.http.cors', 'filters.http.cors.v3.Cors'],
    ['file_access_log', 'access_loggers.file', 'access_loggers.file.v3.FileAccessLog'],
  ].flatMap(([old, name, type]) => {
    const modern = { name: `envoy.${name}`, type: `type.googleapis.com/envoy.extensions.${type}` };
    return [
      [`envoy.${old}`, modern],
      [modern.name, modern],
    ] as const;
  }),
);
