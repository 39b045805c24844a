import type { CorsPolicy } from '@inmesh/core';
import { testRoute, testRouteConfiguration } from '@inmesh/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { adapters, listen, type TestHandler } from './adapters.js';
import { send } from './client.js';
import { testInternals } from './internals.js';

const cors: CorsPolicy = {
  allowOrigins: [{ kind: 'exact', value: 'https://shop.example', ignoreCase: false }],
  allowMethods: 'GET',
  allowHeaders: '',
  exposeHeaders: 'x-b',
  maxAge: '600',
  allowCredentials: true,
  forwardUnmatchedPreflights: true,
};

const resources = {
  listeners: new Map([['test.default:80', { name: 'test', routes: 'r' }]]),
  routes: new Map([['r', testRouteConfiguration([{ domains: ['*'], routes: [testRoute({ cors })] }], 'r')]]),
};

const closing: (() => Promise<unknown> | undefined)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

describe.each(adapters)('CORS behind $name', (adapter) => {
  async function serve(handler: TestHandler): Promise<number> {
    const { server, close } = await adapter.create(testInternals({ resources }), handler);
    closing.push(() => {
      server.closeAllConnections();
      return close?.() ?? new Promise((resolve) => server.close(resolve));
    });
    return await listen(server);
  }

  const origin = 'https://shop.example';

  it('a response to an allowed origin may be read', async () => {
    const port = await serve(async () => 'hello');
    const { status, headers, body } = await send(port, { headers: { origin } });
    expect({ status, body }).toEqual({ status: 200, body: 'hello' });
    expect(headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': 'x-b',
    });
  });

  it('so may the answer to a failure of the handler', async () => {
    const port = await serve(async () => {
      throw new Error('a secret');
    });
    const { status, headers } = await send(port, { headers: { origin } });
    expect(status).toBe(500);
    expect(headers['access-control-allow-origin']).toBe(origin);
  });

  it('a response to another origin may not', async () => {
    const port = await serve(async () => 'hello');
    const { body, headers } = await send(port, { headers: { origin: 'https://evil.example' } });
    expect(body).toBe('hello');
    expect(headers).not.toHaveProperty('access-control-allow-origin');
  });

  it('a preflight never reaches the handler', async () => {
    let served = 0;
    const port = await serve(async () => {
      served += 1;
      return 'hello';
    });
    const headers = { origin, 'access-control-request-method': 'GET' };
    const answer = await send(port, { method: 'OPTIONS', headers });
    expect(answer).toMatchObject({ status: 200, body: '' });
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'GET',
      'access-control-max-age': '600',
    });
    expect(served).toBe(0);
  });
});
