import { hostname } from 'node:os';
import type { ClientView, EgressMode } from '@inmesh/config';
import type { Clock, Random } from '@inmesh/core';
import { isTrustDomain, MeshError, parseSpiffeId } from '@inmesh/core';
import { findIdentity } from './identity/find-identity.js';
import { identityProblems } from './identity/identity-problems.js';
import type { FoundIdentity, IdentityOption } from './identity/open-identity.js';
import { type Logger, silentLogger } from './logger.js';
import type { WorkloadInfo } from './mesh-internals.js';
import { resolveClient } from './resolve-client.js';
import { chooseSource, type SourceChoice, type XdsOption } from './source-choice.js';
import type { TelemetryPlugin } from './telemetry/plugin.js';
import { unknownOptions } from './unknown-options.js';

/** Everything is optional; in Kubernetes nothing need be given. */
export interface MeshOptions {
  /**
   * `host:port` of an ADS server, or of several in the order in which they are tried, or what a gRPC bootstrap file holds.
   * With `tls://host:port` the server is shown the identity of this workload.
   * Default: INMESH_XDS (several separated by commas), else the bootstrap of GRPC_XDS_BOOTSTRAP or GRPC_XDS_BOOTSTRAP_CONFIG.
   */
  readonly xds?: XdsOption;
  /** Files or folders of YAML to read without a server. Default: INMESH_CONFIG (several separated as in PATH). */
  readonly config?: string | readonly string[];
  /** Kubernetes namespace that short host names are completed with. Default: POD_NAMESPACE, the service account's, `default`. */
  readonly namespace?: string;
  /** Default: `cluster.local`. */
  readonly clusterDomain?: string;
  /**
   * Of the identities that rules in files name; a config server has its own. Default: INMESH_TRUST_DOMAIN, else that of this
   * workload's identity, else `cluster.local`.
   */
  readonly trustDomain?: string;
  /** Where the rules of the whole mesh stand, in files. Default: INMESH_ROOT_NAMESPACE, else `istio-system`. */
  readonly rootNamespace?: string;
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
  /**
   * A file that keeps the last good configuration of a config server, for a start while none can be reached. It is used
   * with a warning, read only if this user alone can write and read it, and has no certificates or keys in it.
   * Default: INMESH_XDS_CACHE, else none.
   */
  readonly lastGoodCopy?: string;
  /**
   * Whether the config server is told how many requests are sent to which cluster, how many of them fail and how long they
   * take (LRS), which is what `inmesh canary` goes by. Default: INMESH_LOAD_REPORTS is `true`, else not.
   */
  readonly loadReports?: boolean;
  /** How long a call waits for the first configuration before it goes on without one, in ms. Default 2000. */
  readonly startTimeoutMs?: number;
  readonly rateLimits?: {
    /** `redis://host:port`, where limits of the whole mesh are counted; needs the package ioredis. Default: INMESH_REDIS. */
    readonly redis?: string;
    /** How long a call waits for the Redis before this process counts by itself, in ms. Default 50. */
    readonly maxWaitMs?: number;
  };
  /**
   * Who this workload is, by an X.509-SVID: a folder with `cert-chain.pem`, `key.pem` and `root-cert.pem` (or the names of
   * cert-manager's CSI driver or of SPIFFE's helper), or the paths of such files. They are read again when they change.
   * Or who delivers it: `{ sds: 'unix:/path' }`, `{ sds: 'host:port', roots, token }`, `{ workloadApi: 'unix:/path' }` of
   * SPIFFE, or the authority that is asked for it: `{ authority: 'host:15012', roots: 'root-cert.pem', token: { file } }`.
   * `federated: { 'other.org': path }` beside any of them has workloads of other trust domains trusted.
   * Default: INMESH_IDENTITY, else the folder where Istio mounts them, else the socket of an istio-agent, else
   * SPIFFE_ENDPOINT_SOCKET, else the authority of INMESH_CA; else none, and no mutual TLS.
   */
  readonly identity?: IdentityOption;
  /** What kubelets may ask in plain text where mutual TLS is required. Default: nothing. */
  readonly probes?: {
    /** Exact paths, such as `/healthz`, by GET or HEAD. */
    readonly paths?: readonly string[];
    /**
     * `Check` of grpc.health.v1.Health: in plain text of servers that `mesh.grpc.bind` has bound, and of every server of
     * `serverInterceptor` past the policies.
     */
    readonly grpc?: boolean;
  };
  /** SPIFFE IDs of the proxies whose `x-forwarded-client-cert` is believed. It is removed from all others' requests. Default: none. */
  readonly trustForwardedClientCert?: readonly string[];
  /** Uniform in [0, 1); a seeded one makes every draw repeatable. Default: Math.random. */
  readonly random?: Random;
  /** For tests. */
  readonly clock?: Clock;
}

export interface ResolvedOptions {
  readonly source: SourceChoice;
  readonly clusterDomain: string;
  /** Undefined: that of the workload's identity. */
  readonly trustDomain: string | undefined;
  readonly rootNamespace: string | undefined;
  readonly workload: WorkloadInfo;
  /** What rules about clients are compared with. */
  readonly client: ClientView;
  readonly telemetry: readonly TelemetryPlugin[];
  readonly logger: Logger;
  readonly propagateHeaders: 'routed' | readonly string[];
  readonly dns: NonNullable<MeshOptions['dns']>;
  readonly startTimeoutMs: number;
  /** Undefined: none is kept. */
  readonly lastGoodCopy: string | undefined;
  readonly loadReports: boolean;
  /** Undefined: each process counts by itself. */
  readonly redis: string | undefined;
  readonly maxStoreWaitMs: number | undefined;
  /** Undefined: this workload has none. */
  readonly identity: FoundIdentity | undefined;
  readonly probePaths: readonly string[];
  readonly takesGrpcProbes: boolean;
  readonly trustForwardedClientCert: readonly string[];
  readonly random: Random;
}

/** What the process finds around itself; given by tests. */
export interface Environment {
  readonly variables: Readonly<Record<string, string | undefined>>;
  readFile(path: string): string | undefined;
  /** Sockets exist and cannot be read. Default: what can be read exists. */
  exists?(path: string): boolean;
}

const namespaceFile = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

/** Options, then environment, then defaults. @throws MeshError that lists everything wrong with them */
export function resolveOptions(options: MeshOptions, environment: Environment): ResolvedOptions {
  const problems = findProblems(options);
  const { variables } = environment;
  const clusterDomain = options.clusterDomain ?? variables.INMESH_CLUSTER_DOMAIN ?? 'cluster.local';
  const trustDomain = options.trustDomain ?? (variables.INMESH_TRUST_DOMAIN || undefined);
  if (trustDomain !== undefined && !isTrustDomain(trustDomain)) {
    problems.push(`trustDomain: ${JSON.stringify(trustDomain)} is not a trust domain such as example.org`);
  }
  const workload = resolveWorkload(options, environment);
  const client = resolveClient(options, workload, environment, problems);
  const source = chooseSource(options, environment, clusterDomain, problems);
  const redis = options.rateLimits?.redis ?? (variables.INMESH_REDIS || undefined);
  if (redis !== undefined && !/^rediss?:\/\/\S+$/.test(redis)) problems.push(redisProblem(redis));
  const exists = (path: string) => environment.exists?.(path) ?? environment.readFile(path) !== undefined;
  const identity = findIdentity(options.identity, { variables, workload, exists });
  problems.push(...identityProblems(identity ?? options.identity));
  if (problems.length > 0) throw new MeshError('invalid_request', { message: `createMesh: ${problems.join('; ')}` });
  return Object.freeze({
    source,
    clusterDomain,
    trustDomain,
    rootNamespace: options.rootNamespace ?? (variables.INMESH_ROOT_NAMESPACE || undefined),
    workload,
    client,
    telemetry: options.telemetry ?? [],
    logger: options.logger ?? silentLogger,
    propagateHeaders: options.propagateHeaders ?? 'routed',
    dns: options.dns ?? {},
    startTimeoutMs: options.startTimeoutMs ?? 2000,
    lastGoodCopy: options.lastGoodCopy ?? (variables.INMESH_XDS_CACHE || undefined),
    loadReports: options.loadReports ?? variables.INMESH_LOAD_REPORTS === 'true',
    redis,
    maxStoreWaitMs: options.rateLimits?.maxWaitMs,
    identity,
    probePaths: options.probes?.paths ?? [],
    takesGrpcProbes: options.probes?.grpc ?? false,
    trustForwardedClientCert: options.trustForwardedClientCert ?? [],
    random: options.random ?? Math.random,
  });
}

const knownOptions = [
  'xds',
  'config',
  'namespace',
  'clusterDomain',
  'trustDomain',
  'rootNamespace',
  'egress',
  'labels',
  'locality',
  'workload',
  'telemetry',
  'logger',
  'propagateHeaders',
  'dns',
  'lastGoodCopy',
  'loadReports',
  'startTimeoutMs',
  'rateLimits',
  'identity',
  'probes',
  'trustForwardedClientCert',
  'random',
  'clock',
] as const satisfies readonly (keyof MeshOptions)[];

function findProblems(options: MeshOptions): string[] {
  const problems = findWrongShapes(options);
  if (problems.length > 0) return problems;
  problems.push(...serverProblems(options));
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

function serverProblems({ probes, trustForwardedClientCert = [] }: MeshOptions): string[] {
  const problems: string[] = [];
  const paths: unknown = probes === undefined || probes.grpc !== undefined ? (probes?.paths ?? []) : probes.paths;
  if (!Array.isArray(paths) || !paths.every((path) => typeof path === 'string' && path.startsWith('/'))) {
    problems.push('probes.paths: not a list of paths such as /healthz');
  }
  if (!['boolean', 'undefined'].includes(typeof probes?.grpc)) problems.push('probes.grpc: not true or false');
  if (
    !Array.isArray(trustForwardedClientCert) ||
    !trustForwardedClientCert.every((id) => parseSpiffeId(String(id)).ok)
  ) {
    problems.push(
      'trustForwardedClientCert: not a list of SPIFFE IDs such as spiffe://cluster.local/ns/edge/sa/gateway',
    );
  }
  return problems;
}

function redisProblem(url: unknown): string {
  // There may be a password in it.
  const shown = JSON.stringify(url)?.replace(/^".*@/s, '"...@');
  return `rateLimits.redis (INMESH_REDIS): ${shown} is not a URL such as redis://host:6379`;
}

/** For callers without TypeScript: a misspelled option would leave the mesh on DNS alone, without a word. */
function findWrongShapes(options: MeshOptions): string[] {
  const problems = unknownOptions(options, knownOptions);
  if (options.config !== undefined && ![options.config].flat().every((path) => typeof path === 'string')) {
    problems.push('config: not a path, or a list of paths');
  }
  const { lastGoodCopy = '-' } = options;
  if (typeof lastGoodCopy !== 'string' || lastGoodCopy === '') problems.push('lastGoodCopy: not the path of a file');
  const { telemetry = [] } = options;
  if (!Array.isArray(telemetry)) problems.push('telemetry: not a list, as in [prometheus({ register })]');
  else if (!telemetry.every((plugin) => typeof plugin?.create === 'function')) {
    problems.push('telemetry: takes prometheus(...), opentelemetry(...) or an object with create()');
  }
  return problems;
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
    // INSTANCE_IP is what Istio's templates call it.
    podIp: given.podIp ?? variables.POD_IP ?? variables.INSTANCE_IP ?? '',
    clusterId: given.clusterId ?? variables.INMESH_CLUSTER_ID ?? 'Kubernetes',
  });
}
