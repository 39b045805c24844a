import { type Cluster, type ClusterView, emptyResources, SnapshotAssembler, SnapshotHolder } from '@inmesh/core';
import {
  FakeClock,
  seededRandom,
  testCluster,
  testEndpoint,
  testHash64,
  testOutlierDetection,
} from '@inmesh/core/testing';
import { Counter, Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { prometheus } from '../../src/telemetry/prometheus.js';
import { internals } from './support.js';

function assignmentOf(name: string) {
  const endpoints = [1, 2, 3, 4].map((n) =>
    testEndpoint({ host: `10.0.0.${n}`, health: n === 4 ? 'unhealthy' : 'healthy' }),
  );
  return {
    clusterName: name,
    localities: [{ region: '', zone: '', subZone: '', priority: 0, weight: 1, endpoints }],
  };
}

/** A mesh with these clusters, of four endpoints each, one of them not healthy. */
function mesh(clusters: readonly Partial<Cluster>[], register = new Registry(), maxSeries = 2000) {
  const clock = new FakeClock();
  const assembler = new SnapshotAssembler({ clock, random: seededRandom(1), hash64: testHash64, searchDomains: [] });
  const all = clusters.map(testCluster);
  const resources = {
    ...emptyResources,
    clusters: new Map(all.map((cluster) => [cluster.name, cluster])),
    assignments: new Map(all.map(({ name }) => [name, assignmentOf(name)])),
  };
  const snapshots = new SnapshotHolder(assembler.assemble(resources));
  const telemetry = prometheus({ register, maxSeries }).create({ ...internals, snapshots });
  const view = (name: string): ClusterView => snapshots.current.clusters.get(name)!;
  return { register, telemetry, view, state: (name: string) => view(name).state };
}

async function linesOf(register: Registry): Promise<string[]> {
  return (await register.metrics()).split('\n').filter((line) => /^(envoy_cluster_|inmesh_clusters)/.test(line));
}

describe('the metrics of a cluster', () => {
  test('have Envoy’s names, and tell breakers, retries and members', async () => {
    const { register, state } = mesh([{ name: 'reviews' }]);
    const { breaker, counters } = state('reviews');
    breaker.tryAcquireRequest();
    breaker.acquirePending();
    breaker.connections = 5;
    for (let i = 0; i < 4; i += 1) breaker.tryAcquireRetry();
    Object.assign(counters, { upstreamRqRetry: 7, upstreamRqRetrySuccess: 4, upstreamRqRetryOverflow: 1 });
    Object.assign(counters, { upstreamRqRetryLimitExceeded: 2, upstreamRqTimeout: 3, upstreamRqPerTryTimeout: 6 });
    const label = '{envoy_cluster_name="reviews"}';
    expect(await linesOf(register)).toEqual([
      `envoy_cluster_upstream_rq_total${label} 1`,
      `envoy_cluster_upstream_rq_retry${label} 7`,
      `envoy_cluster_upstream_rq_retry_success${label} 4`,
      `envoy_cluster_upstream_rq_retry_overflow${label} 1`,
      `envoy_cluster_upstream_rq_retry_limit_exceeded${label} 2`,
      `envoy_cluster_upstream_rq_timeout${label} 3`,
      `envoy_cluster_upstream_rq_per_try_timeout${label} 6`,
      `envoy_cluster_upstream_rq_pending_overflow${label} 0`,
      `envoy_cluster_membership_total${label} 4`,
      `envoy_cluster_membership_healthy${label} 3`,
      `envoy_cluster_circuit_breakers_default_remaining_cx${label} 1019`,
      `envoy_cluster_circuit_breakers_default_cx_open${label} 0`,
      `envoy_cluster_circuit_breakers_default_remaining_pending${label} 1023`,
      `envoy_cluster_circuit_breakers_default_rq_pending_open${label} 0`,
      `envoy_cluster_circuit_breakers_default_remaining_rq${label} 1023`,
      `envoy_cluster_circuit_breakers_default_rq_open${label} 0`,
      `envoy_cluster_circuit_breakers_default_remaining_retries${label} 0`,
      `envoy_cluster_circuit_breakers_default_rq_retry_open${label} 1`,
      'inmesh_clusters_without_metrics 0',
    ]);
  });

  test('tell the breaker of high priority once it is used, and no remaining count where there is no limit', async () => {
    const none = Number.POSITIVE_INFINITY;
    const unlimited = { maxConnections: none, maxPendingRequests: none, maxRequests: none, maxRetries: none };
    const { register, state } = mesh([
      { name: 'reviews', circuitBreakers: { default: unlimited, high: { ...unlimited, maxRequests: 1 } } },
    ]);
    state('reviews').highPriorityBreaker.tryAcquireRequest();
    state('reviews').highPriorityBreaker.tryAcquireRequest();
    const lines = await linesOf(register);
    const breakers = lines.filter((line) => line.includes('circuit_breakers')).map((line) => line.split('{')[0]);
    expect(breakers).toHaveLength(9);
    expect(lines).toContain('envoy_cluster_circuit_breakers_high_rq_open{envoy_cluster_name="reviews"} 1');
    expect(lines).toContain('envoy_cluster_circuit_breakers_high_remaining_rq{envoy_cluster_name="reviews"} 0');
    expect(lines).toContain('envoy_cluster_upstream_rq_pending_overflow{envoy_cluster_name="reviews"} 1');
  });

  test('tell ejections: those of now, of all time, by kind, and those above the maximum', async () => {
    const outlierDetection = testOutlierDetection({ consecutive5xx: 1, maxEjectionPercent: 25 });
    const { register, state, view } = mesh([{ name: 'reviews', outlierDetection }]);
    const { breaker, outlierDetector } = state('reviews');
    breaker.tryAcquireRequest();
    for (const { host } of view('reviews').endpoints.slice(0, 2)) outlierDetector!.onReply(host, 500);
    const lines = (await linesOf(register)).filter((line) => /outlier|membership_healthy/.test(line));
    const label = '{envoy_cluster_name="reviews"}';
    expect(lines).toEqual([
      `envoy_cluster_membership_healthy${label} 2`,
      `envoy_cluster_outlier_detection_ejections_active${label} 1`,
      `envoy_cluster_outlier_detection_ejections_enforced_total${label} 1`,
      `envoy_cluster_outlier_detection_ejections_overflow${label} 1`,
      `envoy_cluster_outlier_detection_ejections_detected_consecutive_5xx${label} 2`,
      `envoy_cluster_outlier_detection_ejections_enforced_consecutive_5xx${label} 1`,
    ]);
  });

  test('are left out while nothing calls it', async () => {
    const { register, state } = mesh([{ name: 'reviews' }, { name: 'ratings' }]);
    state('ratings').breaker.tryAcquireRequest();
    const lines = await linesOf(register);
    expect(lines.filter((line) => line.includes('reviews'))).toEqual([]);
    expect(lines.filter((line) => line.includes('ratings'))).not.toEqual([]);
  });

  test('never come to more series than the limit, and those that are left out are counted', async () => {
    const names = Array.from({ length: 300 }, (_, i) => ({ name: `service-${i}` }));
    const { register, state } = mesh(names);
    for (const { name } of names) state(name).breaker.tryAcquireRequest();
    const lines = await linesOf(register);
    expect(lines).toHaveLength(18 * 111 + 1);
    expect(lines.at(-1)).toBe('inmesh_clusters_without_metrics 189');
  });

  test('are refused with the way out where the registry has one of them already', () => {
    const register = new Registry();
    new Counter({ name: 'envoy_cluster_upstream_rq_retry', help: 'mine', registers: [register] });
    expect(() => mesh([], register)).toThrow('the registry has another metric named envoy_cluster_upstream_rq_retry');
  });

  test('are summed over the meshes that share a registry, and end with the mesh', async () => {
    const register = new Registry();
    const meshes = [mesh([{ name: 'reviews' }], register), mesh([{ name: 'reviews' }], register)];
    for (const { state } of meshes) state('reviews').breaker.tryAcquireRequest();
    const total = async () => (await linesOf(register)).find((line) => line.includes('upstream_rq_total'));
    expect(await total()).toMatch(/ 2$/);
    meshes[0]!.telemetry.close?.();
    expect(await total()).toMatch(/ 1$/);
    meshes[1]!.telemetry.close?.();
    expect(await total()).toBeUndefined();
  });
});
