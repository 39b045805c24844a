import {
  type Call,
  type CallEnd,
  type Cluster,
  type ClusterView,
  type EndpointView,
  emptyResources,
  SnapshotAssembler,
  SnapshotHolder,
  type WorkloadIdentity,
} from '@inmesh/core';
import {
  FakeClock,
  seededRandom,
  type TestCallInit,
  testCall,
  testCluster,
  testEndpointView,
  testHash64,
} from '@inmesh/core/testing';
import { silentLogger } from '../../src/logger.js';
import type { WorkloadInfo } from '../../src/mesh-internals.js';
import type { MeshTelemetry } from '../../src/telemetry/plugin.js';

export const workload: WorkloadInfo = {
  name: 'productpage-v1',
  namespace: 'shop',
  app: 'productpage',
  version: 'v1',
  serviceAccount: 'default',
  podName: 'productpage-v1-abc',
  podIp: '10.0.0.9',
  clusterId: 'Kubernetes',
};

const clock = new FakeClock();
const assembler = new SnapshotAssembler({ clock, random: seededRandom(1), hash64: testHash64, searchDomains: [] });
const snapshots = new SnapshotHolder(assembler.assemble(emptyResources));

export const internals = { workload, clock, logger: silentLogger, snapshots };

export const reviewsWorkload: WorkloadIdentity = {
  name: 'reviews-v2',
  namespace: 'shop',
  canonicalName: 'reviews',
  canonicalRevision: 'v2',
  cluster: 'Kubernetes',
};

/** A view that telemetry can read; its balancer and state are not asked for. */
export function clusterView(cluster: Partial<Cluster> = {}): ClusterView {
  const host = 'reviews.shop.svc.cluster.local';
  const service = { host, name: 'reviews', namespace: 'shop' };
  return { cluster: testCluster({ name: `outbound|9080||${host}`, service, ...cluster }) } as ClusterView;
}

export function reviewsEndpoint(): EndpointView {
  return testEndpointView({ host: '10.0.0.1', port: 9080, workload: reviewsWorkload });
}

/** A call that has been routed and balanced to `reviews`. */
export function reviewsCall(init: TestCallInit = {}): Call {
  const call = testCall({ authority: 'reviews:9080', path: '/reviews/7', ...init });
  call.cluster = clusterView();
  call.endpoint = reviewsEndpoint();
  call.attempt = 1;
  return call;
}

export function callEnd(overrides: Partial<CallEnd> = {}): CallEnd {
  return { httpStatus: 200, grpcStatus: undefined, error: undefined, durationMs: 3, ...overrides };
}

export function end(
  telemetry: MeshTelemetry,
  call: Call,
  ended: Partial<CallEnd> = {},
  side: 'client' | 'server' = 'client',
) {
  telemetry.callStarted(call, side).callEnded(call, callEnd(ended));
}
