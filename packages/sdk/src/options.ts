import { hostname } from 'node:os';
import { delimiter } from 'node:path';
import type { ClientView, EgressMode } from '@inmesh/config';
import type { Clock, Random } from '@inmesh/core';
import { MeshError } from '@inmesh/core';
import { type Logger, silentLogger } from './logger.js';
import type { WorkloadInfo } from './mesh-internals.js';
import { resolveClient } from './resolve-client.js';
import type { TelemetryPlugin } from './telemetry/plugin.js';

/** Everything is optional; in Kubernetes nothing need be given. */
export interface MeshOptions {
  /** `host:port` of an ADS server. Default: INMESH_XDS, or the first server of the gRPC xDS bootstrap. */
  readonly xds?: string;
  /** Files or folders of YAML to read without a server. Default: INMESH_CONFIG (several separated as in PATH). */
  readonly config?: string | readonly string[];
  /** Kubernetes namespace that short host names are completed with. Default: POD_NAMESPACE, the service account's, `default`. */
  readonly namespace?: string;
  /** Default: `cluster.local`. */
  readonly clusterDomain?: string;
  /**
   * Whether hosts that the configuration does not name may be called; with `REGISTRY_ONLY` such a call is answered with 502,
   * whatever a Sidecar says. Default: INMESH_EGRESS, else `ALLOW_ANY`.
   */
  readonly egress?: EgressMode;
  /**
   * Of this workload, as rules select clients by them. Default: INMESH_LABELS (`app=shop,version=v1`), else the downward
   * API's /etc/podinfo/labels; with `app` and `version` of the workload where they are known.
   */
  readonly labels?: Readonly<Record<string, string>>;
  /** `region/zone/subzone`, for routing to what is near. Default: INMESH_LOCALITY. */
  readonly locality?: string;
  /** Who this process is. Default: from the downward API environment (POD_NAME, POD_IP, ...) and `OTEL_SERVICE_NAME`. */
  readonly workload?: Partial<WorkloadInfo>;
  readonly telemetry?: readonly TelemetryPlugin[];
  /** Default: silent. */
  readonly logger?: Logger;
  /** Incoming headers carried on to mesh hosts; default `routed`: those that some route matches on. */
  readonly propagateHeaders?: 'routed' | readonly string[];
  readonly dns?: {
    /** `ip` or `ip:port`. Default: those of /etc/resolv.conf. */
    readonly servers?: readonly string[];
    readonly search?: readonly string[];
    readonly ndots?: number;
  };
  /** How long a call waits for the first configuration before it goes on without one, in ms. Default 2000. */
  readonly startTimeoutMs?: number;
  readonly rateLimits?: {
    /** `redis://host:port`, where limits of the whole mesh are counted; needs the package ioredis. Default: INMESH_REDIS. */
    readonly redis?: string;
    /** How long a call waits for the Redis before this process counts by itself, in ms. Default 50. */
    readonly maxWaitMs?: number;
  };
  /** Uniform in [0, 1); a seeded one makes every draw repeatable. Default: Math.random. */
  readonly random?: Random;
  /** For tests. */
  readonly clock?: Clock;
}

export type SourceChoice =
  | { readonly kind: 'xds'; readonly serverUri: string }
  | { readonly kind: 'files'; readonly paths: readonly string[] }
  /** The config server's well-known Service, if that name resolves. */
  | { readonly kind: 'in-cluster'; readonly host: string; readonly port: number }
  | { readonly kind: 'dns' };

export interface ResolvedOptions {
  readonly source: SourceChoice;
  readonly nodeId: string | undefined;
  readonly clusterDomain: string;
  readonly workload: WorkloadInfo;
  /** What rules about clients are compared with. */
  readonly client: ClientView;
  readonly telemetry: readonly TelemetryPlugin[];
  readonly logger: Logger;
  readonly propagateHeaders: 'routed' | readonly string[];
  readonly dns: NonNullable<MeshOptions['dns']>;
  readonly startTimeoutMs: number;
  /** Undefined: each process counts by itself. */
  readonly redis: string | undefined;
  readonly maxStoreWaitMs: number | undefined;
  readonly random: Random;
}

/** What the process finds around itself; given by tests. */
export interface Environment {
  readonly variables: Readonly<Record<string, string | undefined>>;
  readFile(path: string): string | undefined;
}

/** Where the config server's own manifests put it. */
export const wellKnownServer = { service: 'inmesh.inmesh-system', port: 15010 } as const;

const namespaceFile = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

/** Options, then environment, then defaults. @throws MeshError that lists everything wrong with them */
export function resolveOptions(options: MeshOptions, environment: Environment): ResolvedOptions {
  const problems = findProblems(options);
  const { variables } = environment;
  const clusterDomain = options.clusterDomain ?? variables.INMESH_CLUSTER_DOMAIN ?? 'cluster.local';
  const bootstrap = readBootstrap(environment, problems);
  const workload = resolveWorkload(options, environment);
  const client = resolveClient(options, workload, environment, problems);
  const source = chooseSource(options, variables, bootstrap?.serverUri, clusterDomain);
  const redis = options.rateLimits?.redis ?? (variables.INMESH_REDIS || undefined);
  if (redis !== undefined && !/^rediss?:\/\/\S+$/.test(redis)) problems.push(redisProblem(redis));
  if (problems.length > 0) throw new MeshError('invalid_request', { message: `createMesh: ${problems.join('; ')}` });
  return Object.freeze({
    source,
    nodeId: bootstrap?.nodeId,
    clusterDomain,
    workload,
    client,
    telemetry: options.telemetry ?? [],
    logger: options.logger ?? silentLogger,
    propagateHeaders: options.propagateHeaders ?? 'routed',
    dns: options.dns ?? {},
    startTimeoutMs: options.startTimeoutMs ?? 2000,
    redis,
    maxStoreWaitMs: options.rateLimits?.maxWaitMs,
    random: options.random ?? Math.random,
  });
}

const knownOptions = [
  'xds',
  'config',
  'namespace',
  'clusterDomain',
  'egress',
  'labels',
  'locality',
  'workload',
  'telemetry',
  'logger',
  'propagateHeaders',
  'dns',
  'startTimeoutMs',
  'rateLimits',
  'random',
  'clock',
] as const satisfies readonly (keyof MeshOptions)[];

function findProblems(options: MeshOptions): string[] {
  const problems = findWrongShapes(options);
  if (problems.length > 0) return problems;
  if (options.xds !== undefined && !/^[^\s/]+:\d+$/.test(options.xds))
    problems.push(`xds: ${JSON.stringify(options.xds)} is not host:port`);
  const paths = typeof options.config === 'string' ? [options.config] : (options.config ?? ['-']);
  if (paths.length === 0 || paths.includes('')) problems.push('config: name at least one file or folder');
  if (options.xds !== undefined && options.config !== undefined) problems.push('xds and config: give one of them');
  const wait = options.startTimeoutMs;
  if (wait !== undefined && !(wait >= 0)) problems.push(`startTimeoutMs: ${wait} is not a number of ms from 0 up`);
  const storeWait = options.rateLimits?.maxWaitMs;
  if (storeWait !== undefined && !(storeWait > 0)) {
    problems.push(`rateLimits.maxWaitMs: ${storeWait} is not a number of ms`);
  }
  return problems;
}

function redisProblem(url: unknown): string {
  return `rateLimits.redis (INMESH_REDIS): ${JSON.stringify(url)} is not a URL such as redis://host:6379`;
}

/** For callers without TypeScript: a misspelled option would leave the mesh on DNS alone, without a word. */
function findWrongShapes(options: MeshOptions): string[] {
  const problems = Object.keys(options)
    .filter((name) => !knownOptions.includes(name as keyof MeshOptions))
    .map((name) => `${name}: no such option; there are ${knownOptions.join(', ')}`);
  if (options.xds !== undefined && typeof options.xds !== 'string') problems.push('xds: not a string host:port');
  if (options.config !== undefined && ![options.config].flat().every((path) => typeof path === 'string')) {
    problems.push('config: not a path, or a list of paths');
  }
  const { telemetry = [] } = options;
  if (!Array.isArray(telemetry)) problems.push('telemetry: not a list, as in [prometheus({ register })]');
  else if (!telemetry.every((plugin) => typeof plugin?.create === 'function')) {
    problems.push('telemetry: takes prometheus(...), opentelemetry(...) or an object with create()');
  }
  return problems;
}

function chooseSource(
  options: MeshOptions,
  variables: Environment['variables'],
  bootstrapServer: string | undefined,
  clusterDomain: string,
): SourceChoice {
  if (options.xds !== undefined) return { kind: 'xds', serverUri: options.xds };
  if (options.config !== undefined) return { kind: 'files', paths: [options.config].flat() as string[] };
  const serverUri = variables.INMESH_XDS || bootstrapServer;
  if (serverUri) return { kind: 'xds', serverUri };
  if (variables.INMESH_CONFIG)
    return { kind: 'files', paths: variables.INMESH_CONFIG.split(delimiter).filter(Boolean) };
  if (!variables.KUBERNETES_SERVICE_HOST) return { kind: 'dns' };
  return { kind: 'in-cluster', host: `${wellKnownServer.service}.svc.${clusterDomain}`, port: wellKnownServer.port };
}

/** The gRPC bootstrap (gRFC A27): a path in GRPC_XDS_BOOTSTRAP, else JSON in GRPC_XDS_BOOTSTRAP_CONFIG. */
function readBootstrap(
  { variables, readFile }: Environment,
  problems: string[],
): { serverUri?: string; nodeId?: string } | undefined {
  const path = variables.GRPC_XDS_BOOTSTRAP;
  const text = path ? readFile(path) : variables.GRPC_XDS_BOOTSTRAP_CONFIG;
  if (path && text === undefined) problems.push(`GRPC_XDS_BOOTSTRAP: ${path} cannot be read`);
  if (!text) return undefined;
  try {
    const bootstrap = JSON.parse(text) as { xds_servers?: { server_uri?: string }[]; node?: { id?: string } };
    const serverUri = bootstrap.xds_servers?.[0]?.server_uri?.replace(/^dns:(\/\/\/)?/, '');
    if (!serverUri) problems.push('gRPC bootstrap: xds_servers[0].server_uri is missing');
    return { ...(serverUri && { serverUri }), ...(bootstrap.node?.id && { nodeId: bootstrap.node.id }) };
  } catch (error) {
    problems.push(`gRPC bootstrap: ${(error as Error).message}`);
    return undefined;
  }
}

function resolveWorkload(options: MeshOptions, { variables, readFile }: Environment): WorkloadInfo {
  const given = options.workload ?? {};
  const podName = given.podName ?? variables.POD_NAME ?? hostname();
  const app = given.app ?? variables.INMESH_APP ?? variables.OTEL_SERVICE_NAME ?? '';
  return Object.freeze({
    name: given.name ?? variables.INMESH_WORKLOAD ?? (app || podName),
    namespace:
      options.namespace ?? given.namespace ?? variables.POD_NAMESPACE ?? (readFile(namespaceFile)?.trim() || 'default'),
    app,
    version: given.version ?? variables.INMESH_VERSION ?? '',
    serviceAccount: given.serviceAccount ?? variables.SERVICE_ACCOUNT ?? 'default',
    podName,
    podIp: given.podIp ?? variables.POD_IP ?? '',
    clusterId: given.clusterId ?? variables.INMESH_CLUSTER_ID ?? 'Kubernetes',
  });
}
