import type { ChannelCredentialsConfig, XdsServerConfig, XdsServerFeatures } from '../server-config.js';
import type { JsonField } from './json-field.js';
import { readCertificateFiles } from './read-certificate-files.js';

/** A list of `xds_servers`, in its order. */
export function readServers(list: JsonField): XdsServerConfig[] {
  return list.list().map((server) => {
    server.object();
    return {
      serverUri: readUri(server.field('server_uri')),
      credentials: readCredentials(server.field('channel_creds')),
      features: readFeatures(server.field('server_features')),
    };
  });
}

/** What grpc-js resolves by itself. */
const schemes = ['dns', 'ipv4', 'ipv6', 'unix'];

function readUri(field: JsonField): string {
  const uri = field.requiredString().replace(/^dns:(\/\/\/)?(?!\/)/, '');
  const [, scheme] = /^([a-z][a-z0-9+.-]*):(?!\d+$)/i.exec(uri) ?? [];
  if (/\s/.test(uri)) field.fail(`${JSON.stringify(uri)} is not host:port`);
  else if (scheme !== undefined && !schemes.includes(scheme)) {
    field.fail(`${JSON.stringify(uri)} begins with none of ${schemes.map((known) => `${known}:`).join(', ')}`);
  }
  return uri;
}

/** The first type that is known (gRFC A27). Never in the clear unless that is asked for. */
function readCredentials(list: JsonField): ChannelCredentialsConfig {
  const types: string[] = [];
  for (const entry of list.list()) {
    const type = entry.field('type').requiredString();
    if (type === 'insecure') return { kind: 'insecure' };
    if (type === 'tls') return { kind: 'tls', ...readCertificateFiles(entry.field('config')) };
    types.push(type);
  }
  const given = types.length === 0 ? 'is missing' : `${types.join(', ')} is not supported`;
  list.fail(`${given}; give {"type": "insecure"} or {"type": "tls"}`);
  return { kind: 'insecure' };
}

/** Those that nobody knows are ignored, whatever they are (gRFC A30). */
function readFeatures(list: JsonField): XdsServerFeatures {
  const named = new Set(list.list().map(({ raw }) => raw));
  return {
    ignoreResourceDeletion: named.has('ignore_resource_deletion'),
    failOnDataErrors: named.has('fail_on_data_errors'),
    resourceTimerIsTransientError: named.has('resource_timer_is_transient_error'),
  };
}
