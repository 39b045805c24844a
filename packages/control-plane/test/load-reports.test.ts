import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { keep } from '../../../test/support/keep.js';
import { loadMetrics } from '../src/load-metrics.js';
import { ConfigFolder, serviceYaml } from './support/config-folder.js';
import { LoadReportingClient } from './support/load-reporting-client.js';
import { startServer } from './support/start.js';

const wait = { timeout: 10_000 };

const loadOf = (cluster: string) => ({
  cluster,
  dropped: 1,
  intervalMs: 10_000,
  localities: [
    { locality: 'r/z', priority: 0, succeeded: 7, failed: 2, issued: 9, inProgress: 1 },
    { locality: 'r/y', priority: 0, succeeded: 1, failed: 0, issued: 1, inProgress: 0 },
  ],
});

describe('A load report', () => {
  it('is shown until its client goes, and counted', async () => {
    const folder = keep(new ConfigFolder());
    folder.write('reviews.yaml', serviceYaml('reviews', 9001));
    const server = keep(await startServer(folder.path));
    const client = keep(new LoadReportingClient(server.addresses.xds));
    client.report({
      node: { id: 'reporting' },
      clusterStats: [{ clusterName: 'reviews', upstreamLocalityStats: [{ totalSuccessfulRequests: 7n }] }],
    });
    const reports = async () => JSON.parse((await server.get('debug', '/debug/loads')).text).reports;
    await expect.poll(reports, wait).toMatchObject([{ nodeId: 'reporting', cluster: 'reviews' }]);
    const page = JSON.parse((await server.get('debug', '/debug/loads')).text);
    expect(page.reportIntervalMs).toBe(10_000);
    const { text } = await server.get('metrics', '/metrics');
    expect(text).toContain('inmesh_load_report_requests_total{cluster="reviews",outcome="succeeded"} 7');
    expect(text).toMatch(/^inmesh_config_pushes_total\{type="cluster"\} 0$/m);
    expect(text).not.toContain('inmesh_config_pushes_total{type="other"}');
    client.close();
    await expect.poll(reports, wait).toEqual([]);
  });
});

describe('The load metrics', () => {
  it('add up over localities and reports', async () => {
    const registry = new Registry();
    const count = loadMetrics([registry]);
    count(loadOf('a'));
    count(loadOf('a'));
    const [metric] = await registry.getMetricsAsJSON();
    expect(metric?.values.map(({ labels, value }) => [labels.outcome, value])).toEqual([
      ['dropped', 2],
      ['issued', 20],
      ['succeeded', 16],
      ['failed', 4],
    ]);
  });

  it('have at most 2,004 series, whatever names clients make up', async () => {
    const registry = new Registry();
    const count = loadMetrics([registry]);
    for (let index = 0; index < 3000; index += 1) count(loadOf(`cluster-${index}`));
    const [metric] = await registry.getMetricsAsJSON();
    expect(metric?.values).toHaveLength(2004);
    const other = metric?.values.find(({ labels }) => labels.cluster === 'other' && labels.outcome === 'dropped');
    expect(other?.value).toBe(2500);
  });
});
