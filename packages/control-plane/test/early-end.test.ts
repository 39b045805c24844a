import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { keep } from '../../../test/support/keep.js';
import { type ControlPlaneOptions, startControlPlane } from '../src/index.js';

const free = { config: [], xdsPort: 0, metricsPort: 0, debugPort: 0 };
const logger = { info() {}, warn() {}, error() {} };
const secret = { namespace: 'mesh', name: 'inmesh-ca' };

async function apiServer(answer: RequestListener) {
  let asked!: () => void;
  const first = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const server = createServer((request, response) => {
    answer(request, response);
    asked();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  keep({
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  });
  const cluster = {
    ...{ server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, namespace: 'mesh', description: 'test' },
    credentials: async () => ({ headers: {} }),
    forget() {},
  };
  return { cluster, first };
}

const answers: [string, RequestListener][] = [
  ['says nothing', () => {}],
  ['asks to come back later', (_, response) => response.writeHead(429, { 'retry-after': '9' }).end()],
];
type Waiting = Pick<ControlPlaneOptions, 'kubernetes' | 'ca'>;
const waiting: [string, (cluster: Awaited<ReturnType<typeof apiServer>>['cluster']) => Waiting][] = [
  ['objects', (cluster) => ({ kubernetes: { cluster } })],
  ['keys', (cluster) => ({ kubernetes: { cluster }, ca: { cluster, secret, tlsPort: 0 } })],
];

it.each(answers.flatMap(([what, answer]) => waiting.map(([of, options]) => ({ what, of, answer, options }))))(
  'a start that waits for $of of an API server that $what ends when it is told to',
  async ({ answer, options }) => {
    const { cluster, first } = await apiServer(answer);
    const ending = new AbortController();
    const started = startControlPlane({ ...free, ...options(cluster), logger }, ending.signal);
    void first.then(() => ending.abort());
    await expect(started).rejects.toThrow();
  },
  // Less than any of what it waits for.
  8000,
);
