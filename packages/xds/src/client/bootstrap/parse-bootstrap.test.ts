import { describe, expect, it } from 'vitest';
import type { Bootstrap } from './bootstrap.js';
import { parseBootstrap, parseBootstrapText } from './parse-bootstrap.js';

const insecure = [{ type: 'insecure' }];
const server = { server_uri: 'a:1', channel_creds: insecure };

function parse(json: object): Bootstrap {
  const result = parseBootstrap(json, 'test');
  if (!result.ok) throw new Error(result.errors.join('\n'));
  return result.bootstrap;
}

/** What is wrong, without where it was read. */
function errorsOf(json: unknown): string[] {
  const result = parseBootstrap(json, 'test');
  return result.ok ? [] : result.errors.map((error) => error.replace(/^test: /, ''));
}

function credentialsOf(channelCreds: unknown) {
  return parse({ xds_servers: [{ ...server, channel_creds: channelCreds }] }).servers[0]?.credentials;
}

function errorsOfServer(change: object): string[] {
  return errorsOf({ xds_servers: [{ ...server, ...change }] });
}

describe('a gRPC bootstrap', () => {
  it('has the fields of gRFC A27 and A47', () => {
    const bootstrap = parse({
      xds_servers: [
        { ...server, server_features: ['xds_v3', 'ignore_resource_deletion'] },
        { ...server, server_uri: 'b:1' },
      ],
      node: {
        id: 'n1',
        cluster: 'c1',
        locality: { region: 'r', zone: 'z', sub_zone: 's' },
        metadata: { NAMESPACE: 'shop', nested: [1, null] },
      },
      authorities: {
        'xds.example': {},
        other: {
          client_listener_resource_name_template: 'xdstp://other/envoy.config.listener.v3.Listener/grpc/%s?p=1',
          xds_servers: [{ ...server, server_uri: 'other:1' }],
        },
      },
      client_default_listener_resource_name_template: 'xdstp://xds.example/envoy.config.listener.v3.Listener/%s',
      server_listener_resource_name_template: 'grpc/server?address=%s',
      certificate_providers: {
        files: {
          plugin_name: 'file_watcher',
          config: { certificate_file: 'c', private_key_file: 'k', ca_certificate_file: 'r', refresh_interval: '60s' },
        },
        strange: { plugin_name: 'mesh_ca', config: { anything: true } },
      },
    });
    expect(bootstrap.servers.map(({ serverUri }) => serverUri)).toEqual(['a:1', 'b:1']);
    expect(bootstrap.servers[0]?.features.ignoreResourceDeletion).toBe(true);
    expect(bootstrap.node).toEqual({
      id: 'n1',
      cluster: 'c1',
      locality: { region: 'r', zone: 'z', subZone: 's' },
      metadata: { NAMESPACE: 'shop', nested: [1, null] },
    });
    expect(bootstrap.authorities.get('xds.example')).toEqual({
      clientListenerTemplate: 'xdstp://xds.example/envoy.config.listener.v3.Listener/%s',
      servers: bootstrap.servers,
    });
    expect(bootstrap.authorities.get('other')?.servers).toMatchObject([{ serverUri: 'other:1' }]);
    expect(bootstrap.clientListenerTemplate).toBe('xdstp://xds.example/envoy.config.listener.v3.Listener/%s');
    expect(bootstrap.serverListenerTemplate).toBe('grpc/server?address=%s');
    expect(Object.fromEntries(bootstrap.certificateProviders)).toEqual({
      files: {
        plugin: 'file_watcher',
        certificateFile: 'c',
        privateKeyFile: 'k',
        caCertificateFile: 'r',
        refreshIntervalMs: 60_000,
      },
      strange: { plugin: 'unknown', name: 'mesh_ca' },
    });
  });

  it('needs nothing but a server', () => {
    expect(parse({ xds_servers: [server] })).toMatchObject({
      node: { metadata: {} },
      clientListenerTemplate: undefined,
    });
  });

  it('may have fields that nobody knows, and null for nothing', () => {
    const json = {
      xds_servers: [{ ...server, call_creds: [], server_features: null }],
      allowed_grpc_services: {},
      node: null,
    };
    expect(errorsOf(json)).toEqual([]);
  });

  it.each(['dns:///a.example:1', 'dns:a.example:1', 'a.example:1'])('names a server as %s', (uri) => {
    expect(parse({ xds_servers: [{ ...server, server_uri: uri }] }).servers[0]?.serverUri).toBe('a.example:1');
  });

  it.each(['unix:///etc/istio/proxy/XDS', 'ipv4:127.0.0.1:1', '[::1]:1', 'localhost:1', 'dns://1.1.1.1/a:1'])(
    'leaves %s to gRPC',
    (uri) => {
      expect(parse({ xds_servers: [{ ...server, server_uri: uri }] }).servers[0]?.serverUri).toBe(uri);
    },
  );

  it('lists everything that is wrong, each with its place', () => {
    const errors = errorsOf({
      xds_servers: [{ server_uri: 7 }, { server_uri: 'xds:///a', channel_creds: insecure }, 'b:1'],
      node: { id: 1, metadata: [] },
      authorities: { x: { client_listener_resource_name_template: 'xdstp://y/l/%s' } },
      client_default_listener_resource_name_template: 'xdstp://z/envoy.config.listener.v3.Listener/%s',
      certificate_providers: { p: {}, 'f.w': { plugin_name: 'file_watcher' } },
    });
    expect(errors).toEqual([
      'xds_servers[0].server_uri: is not a text',
      'xds_servers[0].channel_creds: is missing; give {"type": "insecure"} or {"type": "tls"}',
      'xds_servers[1].server_uri: "xds:///a" begins with none of dns:, ipv4:, ipv6:, unix:',
      'xds_servers[2]: is not an object',
      'xds_servers[2].server_uri: is missing',
      'xds_servers[2].channel_creds: is missing; give {"type": "insecure"} or {"type": "tls"}',
      'authorities.x.client_listener_resource_name_template: does not begin with xdstp://x/',
      'node.id: is not a text',
      'node.metadata: is not an object',
      'client_default_listener_resource_name_template: is of the authority "z", which is not among authorities',
      'certificate_providers.p.plugin_name: is missing',
      'certificate_providers."f.w".config: names neither certificate_file nor ca_certificate_file',
    ]);
  });

  it.each<[string, unknown, string]>([
    ['no object', [], 'xds_servers: names no server'],
    ['no list of servers', { xds_servers: {} }, 'xds_servers: is not a list'],
  ])('is refused when it is %s', (_what, json, error) => {
    expect(errorsOf(json)).toContain(error);
  });

  it('that is not JSON is refused with the place of the mistake', () => {
    expect(parseBootstrapText('{"a": }', 'FILE')).toMatchObject({
      ok: false,
      errors: [expect.stringMatching(/^FILE: is not JSON: Unexpected token/)],
    });
  });
});

describe('channel_creds', () => {
  it('are of the first type that is supported', () => {
    expect(credentialsOf([{ type: 'google_default' }, { type: 'tls' }, { type: 'insecure' }])).toMatchObject({
      kind: 'tls',
    });
  });

  it('of TLS have the files of gRFC A65', () => {
    const config = {
      ca_certificate_file: 'ca',
      certificate_file: 'c',
      private_key_file: 'k',
      refresh_interval: '1.5s',
    };
    expect(credentialsOf([{ type: 'tls', config }])).toMatchObject({
      kind: 'tls',
      caCertificateFile: 'ca',
      certificateFile: 'c',
      privateKeyFile: 'k',
    });
  });

  it.each<[string, unknown, string]>([
    ['no type at all', [], 'xds_servers[0].channel_creds: is missing; give {"type": "insecure"} or {"type": "tls"}'],
    [
      'none that is supported',
      [{ type: 'google_default' }, { type: 'alts' }],
      'xds_servers[0].channel_creds: google_default, alts is not supported; give {"type": "insecure"} or {"type": "tls"}',
    ],
    [
      'a certificate without its key',
      [{ type: 'tls', config: { certificate_file: 'c' } }],
      'xds_servers[0].channel_creds[0].config: certificate_file and private_key_file go together: give both or none',
    ],
    [
      'a time that is none',
      [{ type: 'tls', config: { refresh_interval: 600 } }],
      'xds_servers[0].channel_creds[0].config.refresh_interval: is not a text',
    ],
    [
      'a time without its unit',
      [{ type: 'tls', config: { refresh_interval: '600' } }],
      'xds_servers[0].channel_creds[0].config.refresh_interval: "600" is not a time such as "600s"',
    ],
  ])('with %s are refused', (_what, channelCreds, error) => {
    expect(errorsOfServer({ channel_creds: channelCreds })).toEqual([error]);
  });
});

describe('server_features', () => {
  it('are known by name, and others are ignored whatever they are', () => {
    const features = ['trusted_xds_server', 'fail_on_data_errors', 'resource_timer_is_transient_error', 7, { a: 1 }];
    expect(parse({ xds_servers: [{ ...server, server_features: features }] }).servers[0]?.features).toEqual({
      ignoreResourceDeletion: false,
      failOnDataErrors: true,
      resourceTimerIsTransientError: true,
    });
  });
});
