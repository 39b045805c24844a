import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { keep } from '../../../test/support/keep.js';
import { route, serveFolder, Traffic, Versions } from './support/canary-mesh.js';
import { ConfigFolder } from './support/config-folder.js';
import { run } from './support/run.js';

const httpRoute = `# reviews, for all
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: reviews, namespace: default }
spec:
  parentRefs: [{ group: "", kind: Service, name: reviews }]
  rules:
    - backendRefs:
        - name: reviews-v1 # has all by default
          port: 80
        - { name: reviews-v2, port: 80, weight: 0 }
`;

async function startMesh(written = route, isV2Ready = true) {
  const versions = keep(await Versions.start());
  const services = `${versions.yaml}${versions.servicesYaml}`;
  const v2 = services.indexOf('name: reviews-v2');
  const later = services.slice(v2).replace('ready: true', `ready: ${isV2Ready}`);
  const yaml = `${services.slice(0, v2)}${later}`;
  const folder = keep(new ConfigFolder({ 'reviews.yaml': yaml, 'route.yaml': written }));
  const server = keep(await serveFolder(folder.path));
  keep(await Traffic.start(server.addresses.xds));
  const file = join(folder.path, 'route.yaml');
  const canary = async (...flags: string[]) => {
    const limits = [
      ...['--interval', '400ms', '--min-requests', '30', '--max-wait', '20s'],
      ...['--server', server.addresses.debug],
    ];
    const { code, out, err } = await run('canary', 'reviews', '--file', file, ...limits, '--output', 'json', ...flags);
    const events = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    return { code, err, events, summary: events.at(-1), text: readFileSync(file, 'utf8') };
  };
  return { versions, canary };
}

describe('inmesh canary, in a mesh that reports its load', () => {
  it('gives all traffic to a version that is well, and changes nothing but the weights', async () => {
    const { versions, canary } = await startMesh();
    const { code, summary, events, text } = await canary('--to', 'v2', '--steps', '25,50,100');
    expect({ code, summary }).toMatchObject({
      code: 0,
      summary: { event: 'summary', outcome: 'promoted', percent: 100 },
    });
    const steps = events.filter(({ event }) => event === 'step').map(({ percent }) => percent);
    expect(steps).toEqual([25, 50, 100]);
    for (const { canary: counts } of events.filter(({ event }) => event === 'window')) {
      expect(counts).toMatchObject({ failed: 0, successRate: 1 });
      expect(counts.requests).toBeGreaterThanOrEqual(30);
      expect(counts.p99Ms).toBeGreaterThan(0);
    }
    expect(text).toBe(route.replace('weight: 100', 'weight: 0').replace('weight: 0 }   #', 'weight: 100 }   #'));
    expect(versions.answered.v2).toBeGreaterThan(90);
  }, 60_000);

  it('takes the traffic back from one that fails a tenth, within two windows', async () => {
    const { versions, canary } = await startMesh();
    versions.failEvery = 10;
    const { code, summary, events, text } = await canary('--to', 'v2', '--steps', '50,100');
    expect({ code, summary }).toMatchObject({ code: 1, summary: { outcome: 'rolled_back', percent: 0 } });
    expect(summary.reason).toContain('% of');
    const windows = events.filter(({ event }) => event === 'window');
    expect(windows.length).toBeGreaterThan(0);
    expect(windows.length).toBeLessThanOrEqual(2);
    expect(text).toBe(route);
  }, 60_000);

  it('takes it back from one without an endpoint, to which nothing can be sent', async () => {
    const { versions, canary } = await startMesh(route, false);
    const { code, summary, text } = await canary('--to', 'v2', '--steps', '50,100');
    expect({ code, summary }).toMatchObject({ code: 1, summary: { outcome: 'rolled_back', percent: 0 } });
    expect(summary.reason).toMatch(/^0 % of \d+ requests succeeded, less than 99 %$/);
    expect(versions.answered.v2).toBe(0);
    expect(text).toBe(route);
  }, 60_000);

  it('goes by services of their own too, where an HTTPRoute has those', async () => {
    const { versions, canary } = await startMesh(httpRoute);
    const well = await canary('--to', 'v2', '--steps', '50,100');
    expect(well).toMatchObject({ code: 0, summary: { outcome: 'promoted' } });
    const [v1, v2] = ['        - weight: 0\n          name: reviews-v1', 'weight: 100 }'];
    const promoted = httpRoute.replace('        - name: reviews-v1', v1).replace('weight: 0 }', v2);
    expect(well.text).toBe(promoted);
    versions.failEvery = 5;
    const { code, summary } = await canary('--to', 'v1', '--steps', '50,100');
    // It compares with the version that fails, and is none the worse for it.
    expect({ code, summary }).toMatchObject({ code: 0, summary: { outcome: 'promoted' } });
  }, 60_000);

  it('puts an HTTPRoute back to the letter', async () => {
    const { versions, canary } = await startMesh(httpRoute);
    versions.failEvery = 3;
    const { code, text } = await canary('--to', 'v2', '--steps', '50,100');
    expect({ code, text }).toEqual({ code: 1, text: httpRoute });
  }, 60_000);
});
