import {
  type Cluster,
  type InboundListener,
  type MeshResources,
  outbound,
  type RetryPolicy,
  SnapshotAssembler,
  SnapshotHolder,
  type Telemetry,
} from '@inmesh/core';
import {
  seededRandom,
  testCluster,
  testEndpoint,
  testForward,
  testHash64,
  testInboundChecks,
  testRetryPolicy,
  testRoute,
  testRouteConfiguration,
} from '@inmesh/core/testing';
import { MeshGrpc } from '../../src/grpc/mesh-grpc.js';
import { grpcTransport } from '../../src/grpc/transport.js';
import { MeshDispatcher } from '../../src/http/dispatcher.js';
import { EndpointPools } from '../../src/http/endpoint-pools.js';
import { httpTransport } from '../../src/http/transport.js';
import type { IdentitySource } from '../../src/identity/identity.js';
import { TlsMaterial } from '../../src/identity/tls-material.js';
import { UpstreamTlsContexts } from '../../src/identity/upstream-tls.js';
import { silentLogger } from '../../src/logger.js';
import type { MeshInternals } from '../../src/mesh-internals.js';
import { SystemClock } from '../../src/runtime/system-clock.js';

export interface StaticMesh {
  readonly dispatcher: MeshDispatcher;
  readonly grpc: MeshGrpc;
  readonly internals: MeshInternals;
  readonly pools: EndpointPools;
  setPorts(ports: readonly number[]): void;
  setCluster(cluster: Partial<Cluster>): void;
  setInbound(inbound: InboundListener): void;
  close(): Promise<void>;
}

export const retryEverything = testRetryPolicy({ attempts: 3, backoff: { baseMs: 1, maxMs: 5 } });

/** A dispatcher on a fixed configuration: host `reviews`, one cluster, endpoints on loopback. */
export function staticMesh(
  ports: readonly number[],
  options: {
    retry?: RetryPolicy;
    timeoutMs?: number;
    cluster?: Partial<Cluster>;
    action?: Parameters<typeof testForward>[0];
    /** Of the one route; its `action` takes the place of everything above. */
    route?: Parameters<typeof testRoute>[0];
    endpoint?: Parameters<typeof testEndpoint>[0];
    /** Of a second cluster, `shadows`. */
    shadowPorts?: readonly number[];
    /** All of them, in the place of the one. */
    routes?: readonly Parameters<typeof testRoute>[0][];
    telemetry?: readonly Telemetry[];
    identity?: IdentitySource;
    inbound?: InboundListener;
    internals?: Partial<MeshInternals>;
  } = {},
): StaticMesh {
  const clock = new SystemClock({ keepsProcessAlive: true });
  const random = seededRandom(7);
  const { telemetry = [] } = options;
  const upstreamTls = new UpstreamTlsContexts(
    new TlsMaterial(options.identity, undefined),
    options.internals?.wallClock,
  );
  const pools = new EndpointPools(clock, upstreamTls);
  options.identity?.onChange(() => {
    pools.retire();
    grpc.retire();
  });
  const assembler = new SnapshotAssembler({
    clock,
    random,
    hash64: testHash64,
    searchDomains: [],
    onEndpointRemoved: (state) => {
      pools.drain(state);
      grpc.drain(state);
    },
  });
  const snapshots = new SnapshotHolder(assembler.assemble(resources(ports, options)));
  const workload = {
    name: 'test',
    namespace: 'default',
    app: 'test',
    version: '',
    serviceAccount: '',
    podName: '',
    podIp: '',
    clusterId: '',
  };
  const internals: MeshInternals = {
    clock,
    random,
    logger: silentLogger,
    snapshots,
    telemetry,
    workload,
    propagateHeaders: 'routed',
    policy: testInboundChecks,
    upstreamTls,
    ...options.internals,
    ...(options.identity && { identity: options.identity }),
  };
  const service = outbound(httpTransport(pools, clock), { clock, random, telemetry });
  const grpcPolicies = (picksEndpoint: boolean) =>
    outbound(grpcTransport(clock), { clock, random, telemetry, picksEndpoint });
  const grpc = new MeshGrpc(internals, grpcPolicies(true), grpcPolicies(false), () => undefined);
  const close = async () => void (await Promise.all([pools.close(), grpc.close()]));
  return {
    dispatcher: new MeshDispatcher(internals, service, () => undefined, close),
    grpc,
    internals,
    pools,
    setPorts: (next) => snapshots.replace(assembler.assemble(resources(next, options))),
    setInbound: (inbound) => snapshots.replace(assembler.assemble(resources(ports, { ...options, inbound }))),
    setCluster: (cluster) => snapshots.replace(assembler.assemble(resources(ports, { ...options, cluster }))),
    close,
  };
}

function resources(
  ports: readonly number[],
  {
    retry,
    timeoutMs = 0,
    cluster = {},
    action: forward,
    route,
    endpoint,
    shadowPorts = [],
    routes: several,
    inbound,
  }: Parameters<typeof staticMesh>[1] & object,
): MeshResources {
  const name = 'reviews:80';
  const action = testForward({ timeoutMs, retry, ...forward });
  const routes = several?.map((one) => testRoute(one)) ?? [testRoute({ action, ...route })];
  const assignment = (clusterName: string, on: readonly number[]) => {
    const endpoints = on.map((port) => testEndpoint({ ...endpoint, host: '127.0.0.1', port }));
    return { clusterName, localities: [{ region: '', zone: '', subZone: '', priority: 0, weight: 1, endpoints }] };
  };
  return {
    listeners: new Map([[name, { name, routes: name }]]),
    inbound,
    routes: new Map([[name, testRouteConfiguration([{ domains: ['*'], routes }], name)]]),
    clusters: new Map([
      ['reviews', testCluster({ ...cluster })],
      ['shadows', testCluster({ name: 'shadows' })],
    ]),
    assignments: new Map([
      ['reviews', assignment('reviews', ports)],
      ['shadows', assignment('shadows', shadowPorts)],
    ]),
  };
}
