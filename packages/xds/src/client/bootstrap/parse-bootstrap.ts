import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import type { XdsServerConfig } from '../server-config.js';
import type { Bootstrap, BootstrapAuthority, BootstrapNode } from './bootstrap.js';
import { JsonField } from './json-field.js';
import { authorityOf } from './listener-names.js';
import { readCertificateProvider } from './read-certificate-files.js';
import { readServers } from './read-servers.js';

export type BootstrapResult =
  | { readonly ok: true; readonly bootstrap: Bootstrap }
  /** Everything that is wrong, each with its place: `GRPC_XDS_BOOTSTRAP_CONFIG: xds_servers[0].server_uri: is missing`. */
  | { readonly ok: false; readonly errors: readonly string[] };

/** @param source where the text is from, for errors */
export function parseBootstrapText(text: string, source: string): BootstrapResult {
  try {
    return parseBootstrap(JSON.parse(text), source);
  } catch (error) {
    return { ok: false, errors: [`${source}: is not JSON: ${(error as Error).message}`] };
  }
}

/** Fields that nobody knows are ignored, as every gRPC does: other clients and later versions read the same file. */
export function parseBootstrap(json: unknown, source: string): BootstrapResult {
  const errors: string[] = [];
  const bootstrap = readBootstrap(new JsonField(json, '', errors));
  if (errors.length === 0) return { ok: true, bootstrap };
  return { ok: false, errors: errors.map((error) => `${source}: ${error}`) };
}

function readBootstrap(root: JsonField): Bootstrap {
  const list = root.field('xds_servers');
  const servers = readServers(list);
  root.object();
  if (servers.length === 0) list.fail('names no server');
  const authorities = readAuthorities(root.field('authorities'), servers);
  return {
    servers,
    node: readNode(root.field('node')),
    authorities,
    clientListenerTemplate: readTemplate(root.field('client_default_listener_resource_name_template'), authorities),
    serverListenerTemplate: readTemplate(root.field('server_listener_resource_name_template'), authorities),
    certificateProviders: new Map(
      root
        .field('certificate_providers')
        .fields()
        .map(([name, provider]) => [name, readCertificateProvider(provider)]),
    ),
  };
}

function readNode(node: JsonField): BootstrapNode {
  node.object();
  const id = node.field('id').string();
  const cluster = node.field('cluster').string();
  const locality = node.field('locality');
  const { region, zone, sub_zone } = locality.object();
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  return {
    ...(id && { id }),
    ...(cluster && { cluster }),
    ...(!locality.isAbsent && { locality: { region: text(region), zone: text(zone), subZone: text(sub_zone) } }),
    metadata: toJsonObject(node.field('metadata').object()),
  };
}

/** It came out of JSON, or is written in code by somebody who means JSON. */
function toJsonObject(object: Readonly<Record<string, unknown>>): JsonObject {
  return JSON.parse(JSON.stringify(object)) as Record<string, JsonValue>;
}

function readAuthorities(
  authorities: JsonField,
  defaultServers: readonly XdsServerConfig[],
): Map<string, BootstrapAuthority> {
  return new Map(
    authorities.fields().map(([name, authority]) => {
      authority.object();
      const servers = readServers(authority.field('xds_servers'));
      const field = authority.field('client_listener_resource_name_template');
      const start = `xdstp://${name}/`;
      const template = field.string() ?? `${start}envoy.config.listener.v3.Listener/%s`;
      if (!template.startsWith(start)) field.fail(`does not begin with ${start}`);
      return [name, { clientListenerTemplate: template, servers: servers.length > 0 ? servers : defaultServers }];
    }),
  );
}

function readTemplate(field: JsonField, authorities: ReadonlyMap<string, BootstrapAuthority>): string | undefined {
  const template = field.string();
  if (template === undefined) return undefined;
  const authority = authorityOf(template);
  if (authority !== undefined && !authorities.has(authority)) {
    field.fail(`is of the authority ${JSON.stringify(authority)}, which is not among authorities`);
  }
  return template;
}
