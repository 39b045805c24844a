import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import {
  awaitedInbound,
  type Clock,
  emptyResources,
  type Hash64,
  type InboundChecks,
  MeshError,
  type MeshResources,
  outbound,
  type Service,
  SnapshotAssembler,
  SnapshotHolder,
} from '@inmesh/core';
import { type Bootstrap, bootstrapOf } from '@inmesh/xds/bootstrap';
import { askOverGrpc } from './authorization/ask-over-grpc.js';
import { askOverHttp } from './authorization/ask-over-http.js';
import { inboundChecks } from './authorization/inbound-checks.js';
import { createDns, type Dns } from './discovery/dns/index.js';
import { Publisher } from './discovery/publisher.js';
import type { ConfigSource } from './discovery/source.js';
import { MeshGrpc } from './grpc/mesh-grpc.js';
import { grpcTransport } from './grpc/transport.js';
import { Guards } from './guard/guards.js';
import { MeshDispatcher } from './http/dispatcher.js';
import { EndpointPools } from './http/endpoint-pools.js';
import { meshFetch } from './http/fetch.js';
import type { HttpCall } from './http/http-call.js';
import { httpTransport } from './http/transport.js';
import { clientIdentity } from './identity/client-identity.js';
import type { IdentitySource } from './identity/identity.js';
import { openIdentity } from './identity/open-identity.js';
import { TlsMaterial } from './identity/tls-material.js';
import { UpstreamTlsContexts } from './identity/upstream-tls.js';
import type { Logger } from './logger.js';
import { defaultGraceMs, Mesh } from './mesh.js';
import type { MeshInternals, Prepare } from './mesh-internals.js';
import { type Environment, type MeshOptions, type ResolvedOptions, resolveOptions } from './options.js';
import { createRateLimiter, openStore } from './rate-limit/create-rate-limiter.js';
import type { TokenStore } from './rate-limit/token-store.js';
import { loadHash64 } from './runtime/hash64.js';
import { SystemClock } from './runtime/system-clock.js';

const processEnvironment: Environment = {
  variables: process.env,
  readFile: (path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined),
  exists: existsSync,
};

/**
 * Joins the mesh. Returns at once: calls made before the first configuration wait for it up to `startTimeoutMs`, then go on
 * with what DNS gives.
 * @throws MeshError `invalid_request` that lists everything wrong with the options
 */
export async function createMesh(options: MeshOptions = {}): Promise<Mesh> {
  const resolved = resolveOptions(options, processEnvironment);
  const clock = options.clock ?? new SystemClock({ keepsProcessAlive: true });
  const background = options.clock ?? new SystemClock({ keepsProcessAlive: false });
  const { random, logger } = resolved;
  const identity = await openIdentity(resolved.identity, {
    ...{ clock: background, random, logger, nodeId: defaultNodeId(resolved) },
  });
  const store = await openStore(resolved.redis);
  const dns = createDns({ ...resolved.dns, clock: background, random: resolved.random });
  const [source, hash64] = await Promise.all([createSource(resolved, background, dns, identity), loadHash64()]);
  return assembleMesh(resolved, { clock, background, dns, source, store, identity, hash64 });
}

function assembleMesh(
  options: ResolvedOptions,
  parts: {
    clock: Clock;
    background: Clock;
    dns: Dns;
    source: ConfigSource | undefined;
    store: TokenStore | undefined;
    identity: IdentitySource | undefined;
    hash64: Hash64;
  },
): Mesh {
  const { clock, background, dns, source, store, identity, hash64 } = parts;
  const { random, workload, logger } = options;
  const upstreamTls = new UpstreamTlsContexts(new TlsMaterial(identity, source?.secrets));
  const pools = new EndpointPools(clock, upstreamTls);
  const stopRetiring = identity?.onChange(() => {
    pools.retire();
    grpc.retire();
  });
  const assembler = new SnapshotAssembler({
    clock: background,
    random,
    hash64,
    searchDomains: searchDomains(workload.namespace, options.clusterDomain),
    hostname: hostname(),
    onEndpointRemoved: (state) => {
      pools.drain(state);
      grpc.drain(state);
    },
  });
  const first = firstResources(source);
  const snapshots = new SnapshotHolder(assembler.assemble(first));
  const telemetry = options.telemetry.map((plugin) =>
    plugin.create({ workload, clock, logger, snapshots, ...(identity && { identity }) }),
  );
  if (source?.telemetry !== undefined) telemetry.push(source.telemetry);
  const rateLimiter = createRateLimiter({
    ...{ clock, random, logger, workload, store, maxWaitMs: options.maxStoreWaitMs },
    onStoreChange: (answering) => {
      for (const listener of telemetry) listener.rateLimitStoreChanged?.(answering);
    },
  });
  const internals: MeshInternals = {
    clock,
    random,
    logger,
    snapshots,
    telemetry,
    workload,
    propagateHeaders: options.propagateHeaders,
    missingConfiguration: () => start.missing,
    rateLimiter,
    upstreamTls,
    probePaths: options.probePaths,
    takesGrpcProbes: options.takesGrpcProbes,
    onConnectionRefused: (reason) => {
      for (const listener of telemetry) listener.connectionRefused?.(reason);
    },
    trustForwardedClientCert: options.trustForwardedClientCert,
    ...(identity && { identity }),
    policy: inboundChecks({
      ...{ clock, logger, telemetry, wallClock: Date.now },
      sourceProblem: () => source?.problem,
      start: () => admission(),
      onTokenRefused: (reason) => {
        for (const listener of telemetry) listener.tokenRefused?.(reason);
      },
      askService: (call, authorization) =>
        authorization.service.kind === 'http' ? askHttp(call, authorization) : askGrpc(call, authorization),
    }),
    ...(source?.claim && { claim: source.claim }),
  };
  const start = firstConfiguration(source, options.startTimeoutMs, clock);
  // A folder is there or is wrong; a server may be away, and without zero trust that is no reason to be away, too.
  const isOpen = identity === undefined && options.source.kind !== 'files';
  const admission = inboundStart(start, { isOpen, logger, snapshots });
  const publisher = new Publisher({
    assembler,
    snapshots,
    first,
    dns: dns.watcher,
    onPublished: start.arrived,
    registryOnly: options.client.egress === 'REGISTRY_ONLY',
  });
  source?.start((resources) => publisher.setResources(resources));
  const guards = new Guards({
    clock,
    random,
    logger,
    onEvent: (event) => {
      for (const listener of telemetry) listener.guardCallEnded?.(event);
    },
  });
  const policies = { clock, random, telemetry, rateLimiter, wallClock: Date.now };
  const transport: Service<HttpCall> = outbound(httpTransport(pools, clock), policies);
  const stop = closeOnce(async () => {
    publisher.close();
    start.abandon();
    await source?.close();
    dns.close();
    guards.close();
    await store?.close();
    assembler.close();
    stopRetiring?.();
    await identity?.close();
    for (const listener of telemetry) listener.close?.();
  });
  const connections = {
    close: () => Promise.all([pools.close(), grpc.close()]),
    destroy: () => Promise.all([pools.destroy(), grpc.destroy()]),
  };
  const close = (graceMs: number) => stop().then(() => closeConnections(connections, clock, graceMs));
  const destroy = () => stop().then(async () => void (await connections.destroy()));
  const ask = source?.prepare;
  const prepareNow: Prepare = (scheme, authority) => {
    const asking = ask?.(scheme, authority);
    return asking === undefined
      ? publisher.prepare(scheme, authority)
      : asking.then(() => publisher.prepare(scheme, authority));
  };
  const prepare: Prepare = (scheme, authority) =>
    start.waiting === undefined
      ? prepareNow(scheme, authority)
      : start.waiting.then(() => prepareNow(scheme, authority));
  const askHttp = askOverHttp(() => internals, transport, prepare);
  const askGrpc = askOverGrpc(() => grpc, Date.now);
  const grpcPolicies = (picksEndpoint: boolean) => outbound(grpcTransport(clock), { ...policies, picksEndpoint });
  const grpc = new MeshGrpc(internals, grpcPolicies(true), grpcPolicies(false), prepare);
  const dispatcher = new MeshDispatcher(internals, transport, prepare, () => close(defaultGraceMs), destroy);
  return new Mesh({
    internals,
    dispatcher,
    fetch: meshFetch(dispatcher),
    grpc,
    guards,
    publisher,
    source,
    firstConfiguration: start.configured,
    close,
  });
}

/** Until the source has said what is demanded of those that come in, they wait. */
function firstResources(source: ConfigSource | undefined): MeshResources {
  return source === undefined ? emptyResources : { ...emptyResources, inbound: awaitedInbound };
}

/** What `resolv.conf` of a pod in this namespace holds. */
function searchDomains(namespace: string, clusterDomain: string): string[] {
  return [`${namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain];
}

interface Start {
  /** What calls wait for; undefined once there is a configuration, or once it has taken too long. */
  waiting: Promise<void> | undefined;
  readonly configured: Promise<void>;
  /** Set when calls went on without a configuration, until there is one. */
  missing: string | undefined;
  arrived(): void;
  abandon(): void;
}

function firstConfiguration(source: ConfigSource | undefined, timeoutMs: number, clock: Clock): Start {
  if (source === undefined) {
    return { waiting: undefined, configured: Promise.resolve(), missing: undefined, arrived() {}, abandon() {} };
  }
  const configured = withResolvers();
  const waited = withResolvers();
  configured.promise.catch(() => {}); // told by `ready()` alone
  const go = () => {
    timer.cancel();
    start.waiting = undefined;
    waited.resolve();
  };
  const goWithout = () => {
    start.missing = `no configuration from ${source.description}: ${source.problem ?? 'none was sent'}`;
    // Also seen by those who gave no logger: calls now go where DNS leads, whatever the configuration would have said.
    process.emitWarning(`${start.missing}; calls go where DNS leads`, 'InmeshWarning');
    go();
  };
  const timer = clock.setTimer(timeoutMs, goWithout);
  const start: Start = {
    waiting: waited.promise,
    configured: configured.promise,
    missing: undefined,
    arrived() {
      start.missing = undefined;
      configured.resolve();
      go();
    },
    abandon() {
      if (start.waiting !== undefined) start.missing = 'the mesh was closed before it had a configuration';
      configured.reject(new MeshError('mesh_closed', { message: 'the mesh was closed before it had a configuration' }));
      go();
    },
  };
  return start;
}

/** What becomes of calls that come in before the first configuration. All wait for one promise. */
function inboundStart(
  start: Start,
  { isOpen, logger, snapshots }: { isOpen: boolean; logger: Logger; snapshots: SnapshotHolder },
): NonNullable<InboundChecks['start']> {
  const first = start.waiting?.then(() => snapshots.current);
  let isSaid = false;
  return () => {
    if (start.waiting !== undefined && first !== undefined) return first;
    if (!isOpen || start.missing === undefined) return 'closed';
    if (!isSaid) logger.warn(letIn, { problem: start.missing });
    isSaid = true;
    return 'open';
  };
}

const letIn =
  'incoming calls are let in without any policy until there is a configuration: with an identity, or with a last-good ' +
  'copy, they would not be';

function withResolvers(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  let resolve!: () => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

/** Sources are loaded when they are used: the xDS messages alone take a fifth of a second. */
async function createSource(
  options: ResolvedOptions,
  clock: Clock,
  dns: Dns,
  identity: IdentitySource | undefined,
): Promise<ConfigSource | undefined> {
  const { source, workload } = options;
  switch (source.kind) {
    case 'dns':
      return undefined;
    case 'files': {
      const { FolderSource } = await import('./discovery/folder-source.js');
      return new FolderSource(source.paths, { ...options, namespace: workload.namespace, identity });
    }
    case 'xds':
      return xdsSource(source.bootstrap, options, clock, identity);
    case 'in-cluster': {
      const found = await dns.resolver.resolveName(source.host);
      // Nothing of zero trust was asked for, and nobody is there to ask for it.
      if (found.kind === 'notFound' && identity === undefined) return undefined;
      const server = await xdsSource(bootstrapOf([`${source.host}:${source.port}`]), options, clock, identity);
      if (found.kind === 'addresses') return server;
      const { InClusterSource } = await import('./discovery/in-cluster-source.js');
      const { random, logger } = options;
      const keepsCopy = options.lastGoodCopy !== undefined;
      const { host } = source;
      return new InClusterSource({ host, found, server, keepsCopy, resolver: dns.resolver, clock, random, logger });
    }
  }
}

async function xdsSource(
  bootstrap: Bootstrap,
  options: ResolvedOptions,
  clock: Clock,
  identity: IdentitySource | undefined,
): Promise<ConfigSource> {
  const { XdsSource } = await import('./discovery/xds-source.js');
  const { workload, client, random, logger, lastGoodCopy, startTimeoutMs, loadReports } = options;
  const nodeId = defaultNodeId(options);
  return new XdsSource({
    identity: identity && (() => clientIdentity(identity)),
    ...{ bootstrap, nodeId, workload, client, clock, random, logger, lastGoodCopy, startTimeoutMs, loadReports },
  });
}

/** Istio's form, `sidecar~IP~POD.NAMESPACE~NAMESPACE.svc.DOMAIN`, which istiod insists on. */
function defaultNodeId({ workload, clusterDomain }: ResolvedOptions): string {
  const { podIp, podName, namespace } = workload;
  return `sidecar~${podIp || '127.0.0.1'}~${podName}.${namespace}~${namespace}.svc.${clusterDomain}`;
}

interface Connections {
  close(): Promise<unknown>;
  destroy(): Promise<unknown>;
}

async function closeConnections(connections: Connections, clock: Clock, graceMs: number): Promise<void> {
  let timer: { cancel(): void } | undefined;
  const tooLong = new Promise<void>((resolve) => {
    timer = clock.setTimer(graceMs, resolve);
  });
  await Promise.race([connections.close(), tooLong.then(() => connections.destroy())]);
  timer?.cancel();
}

function closeOnce(close: () => Promise<void>): () => Promise<void> {
  let closed: Promise<void> | undefined;
  return () => {
    closed ??= close();
    return closed;
  };
}
