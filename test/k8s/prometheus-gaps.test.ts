import { createServer } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { increase } from '../../packages/cli/src/canary/analysis/tally.js';
import { prometheus } from '../../packages/cli/src/canary/metrics/prometheus.js';
import { Prometheus } from './support/prometheus.js';
import { waitFor } from './support/wait-for.js';

const host = 'reviews.default.svc.cluster.local';
const canary = [{ host, subset: 'v2' }];
let failed = 40;
let status = 200;
const pod = createServer((_request, response) => {
  const labels = `reporter="source",destination_service="${host}",destination_version="v2",response_code="500"`;
  response.writeHead(status, { 'content-type': 'text/plain' }).end(`istio_requests_total{${labels}} ${failed}\n`);
});
let server: Prometheus;

beforeAll(async () => {
  await new Promise<void>((resolve) => pod.listen(0, '127.0.0.1', resolve));
  const { port } = pod.address() as { port: number };
  server = await Prometheus.start([{ address: `127.0.0.1:${port}`, path: '/metrics' }]);
});

afterAll(async () => {
  await server?.close();
  pod.close();
  pod.closeAllConnections();
});

async function isUp(up: 0 | 1): Promise<boolean> {
  const response = await fetch(`${server.url}/api/v1/query?query=up`);
  const { data } = (await response.json()) as { data: { result: { value: [number, string] }[] } };
  return data.result[0]?.value[1] === String(up);
}

it('What a pod had counted before it did not answer a scrape is not counted again in a canary', async () => {
  const source = prometheus(server.url, () => 'v2');
  await waitFor('a scrape', () => isUp(1), { log: () => server.log });
  status = 503;
  await waitFor('a gap', () => isUp(0), { log: () => server.log });
  const before = await source.read(canary, []);
  failed = 42;
  status = 200;
  const since = async () => increase(before.canary, (await source.read(canary, [])).canary).failed;
  await waitFor('what came after it', async () => (await since()) > 0, { log: () => server.log });
  expect(await since()).toBe(2);
});
