import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LimitedMesh, limitedClient, limitedMesh } from './support.js';

const fixture = new URL('../../../../test/fixtures/seed-configs/12-rate-limit.yaml', import.meta.url);
const seed = readFileSync(fixture, 'utf8');

const here = { localAddress: '127.0.0.1' };
let limited: LimitedMesh;
let agent: Agent;

beforeEach(async () => {
  agent = new Agent({ keepAlive: true, maxSockets: 8 });
  limited = await limitedMesh(seed);
});

afterEach(async () => {
  agent.destroy();
  await limited.close();
});

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function ask(
  host: string,
  { localAddress }: { localAddress: string } = here,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const { port } = limited;
  const sent = request({ host: '127.0.0.1', port, localAddress, agent, headers: { host, ...headers } });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let body = '';
  for await (const chunk of response) body += chunk;
  return { status: response.statusCode, headers: response.headers, body };
}

/** How many of some calls are served; the others must be answered 429. */
async function served(count: number, ...args: Parameters<typeof ask>): Promise<number> {
  const answers = await Promise.all(Array.from({ length: count }, () => ask(...args)));
  const passed = answers.filter(({ status }) => status === 200).length;
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(count - passed);
  return passed;
}

describe('Seed configuration 12', () => {
  it('lets 500 calls a second through in all', async () => {
    expect(await served(600, 'productpage')).toBe(500);
    limited.clock.advance(999);
    expect(await served(10, 'productpage')).toBe(0);
    limited.clock.advance(1);
    expect(await served(600, 'productpage')).toBe(500);
  });

  it('lets one call in 5 s through to reviews, and its refusals take nothing from the 500', async () => {
    expect(await served(50, 'reviews')).toBe(1);
    expect(await served(600, 'productpage')).toBe(499);
    limited.clock.advance(4999);
    expect(await served(10, 'reviews:9080')).toBe(0);
    limited.clock.advance(1);
    expect(await served(10, 'reviews.default.svc.cluster.local')).toBe(1);
  });

  it('lets 99 calls a second through to productpage from one address, and the others pass', async () => {
    expect(await served(150, 'productpage', limitedClient)).toBe(99);
    expect(await served(50, 'productpage')).toBe(50);
    limited.clock.advance(1000);
    expect(await served(150, 'productpage', limitedClient)).toBe(99);
  });

  it('refuses with 429, and says that it was the limit', async () => {
    await ask('reviews');
    const { status, headers, body } = await ask('reviews');
    expect({ status, body }).toEqual({ status: 429, body: 'local_rate_limited' });
    expect(headers).toMatchObject({
      'x-envoy-ratelimited': 'true',
      'x-inmesh-reason': 'rate_limited',
      'content-type': 'text/plain',
    });
    expect(limited.handled).toHaveLength(1);
  });

  it('refuses a gRPC call with RESOURCE_EXHAUSTED in its headers', async () => {
    await ask('reviews');
    const grpc = { 'content-type': 'application/grpc+proto' };
    const { status, headers, body } = await ask('reviews', here, grpc);
    expect({ status, body }).toEqual({ status: 200, body: '' });
    expect(headers).toMatchObject({
      'content-type': 'application/grpc',
      'grpc-status': '8',
      'grpc-message': 'local_rate_limited',
      'x-envoy-ratelimited': 'true',
    });
  });

  it('is what a caller in the mesh sees, who does not try again', async () => {
    const { mesh, handled } = limited;
    expect((await mesh.fetch('http://reviews:9080/a')).status).toBe(200);
    const refused = await mesh.fetch('http://reviews:9080/b');
    expect([refused.status, refused.headers.get('x-envoy-ratelimited')]).toEqual([429, 'true']);
    expect(handled).toEqual(['/a']);
  });
});
