import { delimiter } from 'node:path';
import {
  type Bootstrap,
  type BootstrapResult,
  bootstrapOf,
  parseBootstrap,
  parseBootstrapText,
} from '@inmesh/xds/bootstrap';
import type { Environment, MeshOptions } from './options.js';

/** What a gRPC bootstrap file holds (docs/bootstrap.md). Other fields are ignored. */
export interface GrpcBootstrap {
  readonly xds_servers: readonly GrpcXdsServer[];
  readonly node?: {
    readonly id?: string;
    readonly cluster?: string;
    readonly locality?: { readonly region?: string; readonly zone?: string; readonly sub_zone?: string };
    readonly metadata?: object;
  };
  readonly authorities?: Readonly<
    Record<
      string,
      { readonly client_listener_resource_name_template?: string; readonly xds_servers?: readonly GrpcXdsServer[] }
    >
  >;
  readonly client_default_listener_resource_name_template?: string;
  readonly [other: string]: unknown;
}

export interface GrpcXdsServer {
  readonly server_uri: string;
  readonly channel_creds: readonly { readonly type: string; readonly config?: object }[];
  readonly server_features?: readonly unknown[];
}

/** Addresses, or a bootstrap. */
export type XdsOption = string | readonly string[] | GrpcBootstrap;

export type SourceChoice =
  | { readonly kind: 'xds'; readonly bootstrap: Bootstrap }
  | { readonly kind: 'files'; readonly paths: readonly string[] }
  /** The config server's well-known Service, if that name resolves. */
  | { readonly kind: 'in-cluster'; readonly host: string; readonly port: number }
  | { readonly kind: 'dns' };

/** Where the config server's own manifests put it. */
export const wellKnownServer = { service: 'inmesh.inmesh-system', port: 15010 } as const;

/**
 * The first that is there: options, INMESH_XDS, the gRPC bootstrap, INMESH_CONFIG, the server of the cluster. What is not
 * chosen is not read either: a bootstrap that other clients need may be one that the mesh could not use.
 */
export function chooseSource(
  options: Pick<MeshOptions, 'xds' | 'config'>,
  environment: Environment,
  clusterDomain: string,
  problems: string[],
): SourceChoice {
  const { variables } = environment;
  const use = (result: BootstrapResult): SourceChoice => {
    if (result.ok) return { kind: 'xds', bootstrap: result.bootstrap };
    problems.push(...result.errors);
    return { kind: 'dns' };
  };
  if (options.xds !== undefined) return use(readOption(options.xds));
  if (options.config !== undefined) return { kind: 'files', paths: [options.config].flat() as string[] };
  if (variables.INMESH_XDS) return use(readAddresses(variables.INMESH_XDS.split(','), 'INMESH_XDS'));
  const bootstrap = readEnvironment(environment);
  if (bootstrap !== undefined) return use(bootstrap);
  if (variables.INMESH_CONFIG) {
    return { kind: 'files', paths: variables.INMESH_CONFIG.split(delimiter).filter(Boolean) };
  }
  if (!variables.KUBERNETES_SERVICE_HOST) return { kind: 'dns' };
  return { kind: 'in-cluster', host: `${wellKnownServer.service}.svc.${clusterDomain}`, port: wellKnownServer.port };
}

function readOption(xds: unknown): BootstrapResult {
  if (typeof xds === 'string') return readAddresses([xds], 'xds');
  if (Array.isArray(xds)) return readAddresses(xds, 'xds');
  if (typeof xds === 'object' && xds !== null) return parseBootstrap(xds, 'xds');
  return { ok: false, errors: ['xds: not a string host:port, a list of them, or a gRPC bootstrap'] };
}

function readAddresses(addresses: readonly unknown[], source: string): BootstrapResult {
  const trimmed = addresses.map((address) => (typeof address === 'string' ? address.trim() : address));
  const isAddress = (address: unknown): address is string =>
    typeof address === 'string' && /^(?:tls:\/\/)?[^\s/]+:\d+$/.test(address);
  const errors = trimmed.filter((address) => !isAddress(address)).map((address) => notAnAddress(address, source));
  if (errors.length > 0) return { ok: false, errors };
  if (trimmed.length === 0) return { ok: false, errors: [`${source}: names no server`] };
  return { ok: true, bootstrap: bootstrapOf(trimmed.filter(isAddress)) };
}

function notAnAddress(address: unknown, source: string): string {
  return `${source}: ${JSON.stringify(address)} is not host:port or tls://host:port`;
}

/** A path in GRPC_XDS_BOOTSTRAP, else JSON in GRPC_XDS_BOOTSTRAP_CONFIG (gRFC A27). */
function readEnvironment({ variables, readFile }: Environment): BootstrapResult | undefined {
  const path = variables.GRPC_XDS_BOOTSTRAP;
  const inline = variables.GRPC_XDS_BOOTSTRAP_CONFIG;
  if (!path) return inline ? parseBootstrapText(inline, 'GRPC_XDS_BOOTSTRAP_CONFIG') : undefined;
  let text: string | undefined;
  let reason = 'there is no such file';
  try {
    text = readFile(path);
  } catch (error) {
    reason = (error as Error).message;
  }
  if (text === undefined) return { ok: false, errors: [`GRPC_XDS_BOOTSTRAP: ${path} cannot be read: ${reason}`] };
  return parseBootstrapText(text, `GRPC_XDS_BOOTSTRAP (${path})`);
}
