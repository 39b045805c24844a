import { once } from 'node:events';
import { Readable } from 'node:stream';
import type { FaultPolicy, HeaderMutations, HeaderWrite, MeshError } from '@inmesh/core';
import { type Dispatcher, request, fetch as undiciFetch } from 'undici';
import { describe, expect, it } from 'vitest';
import { keep } from '../../../../test/support/keep.js';
import { ignoreResponse } from '../../src/http/ignore-response.js';
import { type StaticMesh, staticMesh } from '../support/static-mesh.js';
import { httpServer, type TestServer } from '../support/test-server.js';

interface Seen {
  readonly url: string | undefined;
  readonly headers: Record<string, string | string[] | undefined>;
}

async function upstream(): Promise<TestServer & { seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = await httpServer(({ url, headers }, res) => {
    seen.push({ url, headers });
    res.setHeader('server', 'upstream').end('hello');
  });
  return { ...keep(server), seen };
}

type Options = NonNullable<Parameters<typeof staticMesh>[1]>;

async function mesh(options: Options): Promise<StaticMesh & { seen: Seen[] }> {
  const server = await upstream();
  return { ...keep(staticMesh([server.port], options)), seen: server.seen };
}

const url = 'http://reviews/v1/books?id=7';

const get = (on: StaticMesh, headers: Record<string, string> = {}) =>
  request(url, { dispatcher: on.dispatcher, headers });

const write = (name: string, text: string, action: HeaderWrite['action'] = 'append'): HeaderMutations => ({
  remove: [],
  write: [{ name, value: [{ kind: 'text', text }], action, keepEmpty: false }],
});

const match = { path: { kind: 'prefix', value: '/v1', ignoreCase: false } } as const;

describe('a route that redirects', () => {
  const options: Options = {
    route: {
      match,
      action: {
        kind: 'redirect',
        httpStatus: 301,
        scheme: 'https',
        host: 'new.example',
        port: undefined,
        path: { kind: 'prefix', value: '/v2' },
        stripQuery: false,
      },
    },
  };

  it('answers with its location, and no upstream hears of it', async () => {
    const m = await mesh(options);
    const { statusCode, headers, body } = await get(m);
    expect(statusCode).toBe(301);
    expect(headers).toMatchObject({ location: 'https://new.example/v2/books?id=7', 'content-length': '0' });
    expect(await body.text()).toBe('');
    expect(m.seen).toEqual([]);
  });

  it('is seen by a fetch that does not follow it', async () => {
    const m = await mesh(options);
    const { status, headers } = await undiciFetch(url, { dispatcher: m.dispatcher, redirect: 'manual' });
    expect(status).toBe(301);
    expect(headers.get('location')).toBe('https://new.example/v2/books?id=7');
  });
});

describe('a route that answers by itself', () => {
  const options: Options = {
    route: {
      action: { kind: 'directResponse', httpStatus: 503, body: 'closed for the night' },
      responseHeaders: [write('retry-after', '60')],
    },
  };

  it('is read by undici', async () => {
    const m = await mesh(options);
    const { statusCode, headers, body } = await get(m);
    expect(statusCode).toBe(503);
    expect(headers).toMatchObject({ 'retry-after': '60', 'content-type': 'text/plain', 'content-length': '20' });
    expect(await body.text()).toBe('closed for the night');
    expect(m.seen).toEqual([]);
  });

  it('is not for a caller that has gone already', async () => {
    const m = await mesh(options);
    const gone = request(url, { dispatcher: m.dispatcher, signal: AbortSignal.abort() });
    await expect(gone).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('has no body for a HEAD request', async () => {
    const m = await mesh(options);
    const { headers, body } = await request(url, { dispatcher: m.dispatcher, method: 'HEAD' });
    expect(headers['content-length']).toBe('20');
    expect(await body.text()).toBe('');
  });

  it('is read by fetch', async () => {
    const m = await mesh(options);
    const response = await undiciFetch(url, { dispatcher: m.dispatcher });
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('60');
    expect(await response.text()).toBe('closed for the night');
  });

  it.each([204, 304])('has neither a body nor its length for a status %i', async (httpStatus) => {
    const m = await mesh({ route: { action: { kind: 'directResponse', httpStatus, body: 'x' } } });
    const { statusCode, headers, body } = await get(m);
    expect(statusCode).toBe(httpStatus);
    expect(headers).not.toHaveProperty('content-length');
    expect(await body.text()).toBe('');
  });

  it('lets a body run dry that nobody will read', async () => {
    const m = await mesh(options);
    const body = Readable.from(['of', 'a', 'file']);
    const closed = once(body, 'close');
    const answer = await request(url, { dispatcher: m.dispatcher, method: 'POST', body });
    await answer.body.dump();
    await closed;
  });

  it('fails for a caller whose handler throws, at whatever moment (f3)', async () => {
    const m = await mesh(options);
    const thrown = new Error('handler bug');
    for (const name of ['onHeaders', 'onData', 'onComplete']) {
      const error = await new Promise((onError) => {
        const bug = () => {
          throw thrown;
        };
        const handler = { ...ignoreResponse, onError, [name]: bug } as Dispatcher.DispatchHandler;
        m.dispatcher.dispatch({ origin: 'http://reviews', path: '/', method: 'GET' }, handler);
      });
      expect(error).toBe(thrown);
    }
  });

  it('ends for a caller that pauses it and goes away', async () => {
    const m = await mesh(options);
    const told: string[] = [];
    const reason = new Error('gone');
    const error = await new Promise((onError) => {
      let abort: (reason: Error) => void;
      const handler = {
        ...ignoreResponse,
        onConnect: (toAbort: typeof abort) => {
          abort = toAbort;
        },
        onHeaders: (_status: number, _headers: Buffer[], resume: () => void) => {
          setImmediate(() => {
            abort(reason);
            resume();
          });
          return false;
        },
        onData: () => told.push('data'),
        onComplete: () => told.push('complete'),
        onError,
      } as unknown as Dispatcher.DispatchHandler;
      m.dispatcher.dispatch({ origin: 'http://reviews', path: '/', method: 'GET' }, handler);
    });
    expect(error).toBe(reason);
    expect(told).toEqual([]);
  });
});

describe('a route that rewrites', () => {
  it('sends another path and host to the upstream', async () => {
    const m = await mesh({
      route: { match },
      action: {
        pathRewrite: { kind: 'prefix', value: '/internal' },
        authorityRewrite: { kind: 'literal', value: 'books.example' },
      },
    });
    await (await get(m)).body.dump();
    expect(m.seen).toMatchObject([
      {
        url: '/internal/books?id=7',
        headers: { host: 'books.example', 'x-envoy-original-path': '/v1/books?id=7' },
      },
    ]);
  });

  it('rewrites raw text, so that a slash may double', async () => {
    const m = await mesh({ route: { match }, action: { pathRewrite: { kind: 'prefix', value: '/' } } });
    await (await get(m)).body.dump();
    expect(m.seen[0]!.url).toBe('//books?id=7');
  });

  it('sends the name of the endpoint as host', async () => {
    const m = await mesh({
      action: { authorityRewrite: { kind: 'endpoint' } },
      endpoint: { hostname: 'pod-1.reviews' },
    });
    await (await get(m)).body.dump();
    expect(m.seen[0]!.headers.host).toBe('pod-1.reviews');
  });
});

describe('a route that changes headers', () => {
  it('does so on both ways', async () => {
    const status: HeaderWrite = {
      name: 'x-upstream',
      value: [{ kind: 'upstreamHost' }, { kind: 'text', text: ' said ' }, { kind: 'responseCode' }],
      action: 'overwrite',
      keepEmpty: false,
    };
    const m = await mesh({
      route: {
        requestHeaders: [{ remove: ['x-secret'], write: [] }, write('x-set', 'new', 'overwrite'), write('x-more', 'b')],
        responseHeaders: [{ remove: ['server'], write: [status] }],
      },
    });
    const { headers, body } = await get(m, { 'x-secret': 's', 'X-Set': 'old', 'x-more': 'a' });
    expect(await body.text()).toBe('hello');
    expect(m.seen[0]!.headers).toMatchObject({ 'x-set': 'new', 'x-more': 'a, b' });
    expect(m.seen[0]!.headers).not.toHaveProperty('x-secret');
    expect(headers).not.toHaveProperty('server');
    expect(headers['x-upstream']).toMatch(/^127\.0\.0\.1:\d+ said 200$/);
  });
});

describe('a route with a fault', () => {
  const fault = (overrides: Partial<FaultPolicy>): FaultPolicy => ({
    delay: undefined,
    abort: undefined,
    headers: [],
    maxActive: Number.POSITIVE_INFINITY,
    ...overrides,
  });

  it('answers an injected abort as a response', async () => {
    const abort = { httpStatus: 500, grpcStatus: undefined, perMillion: 1_000_000 };
    const m = await mesh({ route: { fault: fault({ abort }) } });
    const { statusCode, headers, body } = await get(m);
    expect(statusCode).toBe(500);
    expect(headers['x-inmesh-reason']).toBe('fault_injected');
    expect(await body.text()).toBe('fault filter abort');
    expect(m.seen).toEqual([]);
  });

  it('delays the requests that it meets, and the route’s timeout counts after the delay', async () => {
    const isSlow = { name: 'x-slow', invert: false, treatMissingAsEmpty: false } as const;
    const delay = { fixedMs: 300, perMillion: 1_000_000 };
    const headers = [{ ...isSlow, test: { kind: 'present', present: true } as const }];
    const m = await mesh({ timeoutMs: 250, route: { fault: fault({ delay, headers }) } });
    const answers = await Promise.all([get(m, { 'x-slow': 'yes' }), get(m)]);
    for (const { statusCode, body } of answers) {
      expect(statusCode).toBe(200);
      await body.dump();
    }
    expect(m.seen.map((one) => one.headers['x-slow'])).toEqual([undefined, 'yes']);
  });

  it('lets the caller go in the middle of a delay', async () => {
    const m = await mesh({ route: { fault: fault({ delay: { fixedMs: 60_000, perMillion: 1_000_000 } }) } });
    const abort = new AbortController();
    const pending = request(url, { dispatcher: m.dispatcher, signal: abort.signal });
    abort.abort();
    await expect(pending).rejects.toMatchObject({ name: 'AbortError' });
    expect(m.seen).toEqual([]);
  });
});

describe('a request with Envoy’s own headers', () => {
  it('is tried again as it asks, and they stay in the process', async () => {
    let requests = 0;
    const headers: Seen['headers'][] = [];
    const server = keep(
      await httpServer((req, res) => {
        requests += 1;
        headers.push(req.headers);
        res.writeHead(requests < 3 ? 503 : 200).end();
      }),
    );
    const m = keep(staticMesh([server.port]));
    const { statusCode, body } = await get(m, { 'x-envoy-retry-on': '5xx', 'x-envoy-max-retries': '2' });
    await body.dump();
    expect({ statusCode, requests }).toEqual({ statusCode: 200, requests: 3 });
    for (const seen of headers) expect(Object.keys(seen)).not.toContain('x-envoy-retry-on');
  });

  it('takes its own timeout', async () => {
    const server = keep(await httpServer(() => {}));
    const m = keep(staticMesh([server.port], { timeoutMs: 60_000 }));
    const failure = (await get(m, { 'x-envoy-upstream-rq-timeout-ms': '30' }).catch((error) => error)) as MeshError;
    expect(failure).toMatchObject({ reason: 'upstream_request_timeout' });
  });
});
