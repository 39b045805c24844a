import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { ClusterStatsSchema } from '../messages.js';
import { LoadTotals } from './load-totals.js';

const stats = (clusterName: string, durations: Readonly<Record<string, bigint>> = {}) =>
  create(ClusterStatsSchema, {
    clusterName,
    totalDroppedRequests: 1n,
    upstreamLocalityStats: [1n, 2n].map((totalSuccessfulRequests) => ({
      ...{ totalSuccessfulRequests, totalErrorRequests: 1n, totalIssuedRequests: 4n },
      loadMetricStats: Object.entries(durations).map(([metricName, numRequestsFinishedWithMetric]) => ({
        ...{ metricName, numRequestsFinishedWithMetric },
      })),
    })),
  });

describe('the totals of load reports', () => {
  it('add up over localities, clients and time', () => {
    const totals = new LoadTotals();
    totals.add(stats('a'));
    totals.add(stats('a'));
    totals.add(stats('b'));
    const once = { issued: 8, succeeded: 3, failed: 2, dropped: 1 };
    expect(totals.all).toEqual([
      { cluster: 'a', issued: 16, succeeded: 6, failed: 4, dropped: 2 },
      { cluster: 'b', ...once },
    ]);
  });

  it('have the durations that are reported, and no other metric', () => {
    const totals = new LoadTotals();
    const durations = { 'inmesh.request_duration_ms.le.0.5': 1n, 'inmesh.request_duration_ms.le.inf': 2n };
    totals.add(stats('a', { ...durations, 'inmesh.request_duration_ms.le.3': 7n, other: 7n }));
    expect(totals.all[0]?.durations).toEqual([2, ...new Array<number>(18).fill(0), 4]);
  });

  it('are of at most 10,000 clusters, whatever names clients make up', () => {
    const totals = new LoadTotals();
    for (let index = 0; index < 10_010; index += 1) totals.add(stats(`c${index}`));
    expect(totals.all).toHaveLength(10_000);
  });
});
