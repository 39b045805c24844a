import { create, type MessageInitShape } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { type CheckRequest, checkMethod } from '@inmesh/xds/external-authorization';
import { CheckResponseSchema } from '@inmesh/xds/messages';
import { describe, expect, it } from 'vitest';
import { request, sendRaw } from '../../packages/sdk/test/authorization/raw-request.js';
import { type Backend, startBackend } from '../support/backends.js';
import { authorizationPolicy, deciderFiles, servePoliced } from '../support/policed-service.js';
import { closeAfterEach } from '../support/seeds.js';

const keep = closeAfterEach();

const custom = authorizationPolicy(
  'custom',
  '{ action: CUSTOM, provider: { name: decider }, rules: [{ to: [{ operation: { paths: ["/asked/*"] } }] }] }',
);

function files(kind: string, port: number, more = ''): Record<string, string> {
  return { ...deciderFiles(kind, port, more), 'custom.yaml': custom };
}

describe('a service that decides over HTTP', () => {
  const headers = [
    ', includeRequestHeadersInCheck: [x-user]',
    ', headersToUpstreamOnAllow: [x-id]',
    ', headersToDownstreamOnDeny: [x-reason]',
    ', headersToDownstreamOnAllow: [x-seen]',
    ', pathPrefix: /check',
  ].join('');

  async function decider(): Promise<Backend> {
    return keep(
      await startBackend('decider', 'v1', (req, res) => {
        const isAllowed = req.headers['x-user'] === 'me';
        res
          .setHeader('x-id', '7')
          .setHeader('x-reason', 'stranger')
          .setHeader('x-seen', 'yes')
          .setHeader('x-other', 'o');
        res.statusCode = isAllowed ? 200 : 402;
        res.end(isAllowed ? '' : 'pay first');
      }),
    );
  }

  it('sees what it is to see, and its answer is acted on', async () => {
    const backend = await decider();
    const { port, handled, get } = await servePoliced(keep, files('envoyExtAuthzHttp', backend.port, headers));
    const send = (user: string) =>
      fetch(`http://127.0.0.1:${port}/asked/a?x=1`, {
        method: 'POST',
        body: 'secret',
        headers: { 'x-user': user, 'x-id': 'forged', 'x-password': 'hunter2', connection: 'close' },
      });
    const [allowed, refused] = [await send('me'), await send('you')];
    expect([allowed.status, allowed.headers.get('x-seen'), allowed.headers.get('x-other')]).toEqual([200, 'yes', null]);
    expect(handled.map((request) => [request.url, request.headers['x-id']])).toEqual([['/asked/a?x=1', '7']]);
    expect([refused.status, await refused.text()]).toEqual([402, 'pay first']);
    expect([refused.headers.get('x-reason'), refused.headers.get('x-other')]).toEqual(['stranger', null]);
    const [asked] = backend.requests;
    expect([asked?.method, asked?.url, asked?.headers['x-user']]).toEqual(['POST', '/check/asked/a?x=1', 'me']);
    expect([asked?.headers['x-password'], asked?.headers['content-length'] ?? '0']).toEqual([undefined, '0']);
    expect(asked?.headers.host).toBe(`127.0.0.1:${port}`);
    expect(await get('/other')).toBe('200 hello');
    expect(backend.requests).toHaveLength(2);
  });

  it.each([
    ['closes', '', /^403 /],
    ['closes with a status', ', statusOnError: "503"', /^503 /],
    ['opens', ', failOpen: true', /^200 /],
  ])('%s what it decides of while it is away', async (_what, more, answer) => {
    const backend = await decider();
    await backend.close();
    const { get } = await servePoliced(keep, files('envoyExtAuthzHttp', backend.port, more));
    expect(await get('/asked/a')).toMatch(answer);
    expect(await get('/other')).toBe('200 hello');
  });

  it('that fails is as one that is away, and paths that may be read in two ways are not asked about', async () => {
    const backend = keep(await startBackend('decider', 'v1', (_req, res) => void res.writeHead(500).end('oops')));
    const { get } = await servePoliced(keep, files('envoyExtAuthzHttp', backend.port));
    expect(await get('/asked/a')).toBe('403 ');
    const asked = backend.requests.length;
    expect(await get('/asked//a')).toMatch(/^400 /);
    expect(backend.requests).toHaveLength(asked);
  });
});

describe('with failOpen a client', () => {
  const everything = ', failOpen: true, includeRequestHeadersInCheck: ["*"]';

  it.each(['x-envoy-expected-rq-timeout-ms: 30', 'x-envoy-upstream-rq-timeout-ms: 30', 'grpc-timeout: 30m'])(
    'that leaves no time is not let in (%s)',
    async (line) => {
      const held: (() => void)[] = [];
      const asked: Record<string, unknown>[] = [];
      const backend = keep(
        await startBackend('decider', 'v1', (req, res) => {
          asked.push(req.headers);
          held.push(() => res.writeHead(403).end());
        }),
      );
      const { port, handled } = await servePoliced(keep, files('envoyExtAuthzHttp', backend.port, everything));
      const { status } = await sendRaw(port, request('/asked/a', ['Host: a', line]));
      expect(status).toBe(504);
      for (const answer of held) answer();
      expect(handled).toEqual([]);
      for (const { 'x-envoy-expected-rq-timeout-ms': own, ...others } of asked) {
        expect(Number(own)).toBeGreaterThan(30);
        expect(Object.keys(others)).not.toContain(line.split(':')[0]);
      }
    },
  );

  it('that leaves no time is not let in over gRPC', async () => {
    const server = new grpc.Server();
    server.addService({ check: checkMethod }, { check() {} });
    const port = await new Promise<number>((resolve) => {
      server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (_error, at) => resolve(at));
    });
    keep({ close: async () => server.forceShutdown() });
    const { port: served, handled } = await servePoliced(keep, files('envoyExtAuthzGrpc', port, ', failOpen: true'));
    const { status } = await sendRaw(served, request('/asked/a', ['Host: a', 'x-envoy-expected-rq-timeout-ms: 30']));
    expect(status).toBe(504);
    expect(handled).toEqual([]);
  });

  it('cannot have the question fail', async () => {
    const backend = keep(await startBackend('decider', 'v1', (_req, res) => void res.writeHead(403).end('no')));
    const { port, handled } = await servePoliced(keep, files('envoyExtAuthzHttp', backend.port, everything));
    const send = (head: string) =>
      sendRaw(port, head).then(({ text }) => Number(/^HTTP\/1.1 ([2-5]\d\d)/m.exec(text)?.[1]));
    expect(await send(request('/asked/a', ['Host: [']))).toBe(400);
    expect(await send(request('/asked/a', ['Host: a', 'Expect: 100-continue']))).toBe(403);
    expect(await send(request('/asked/a', ['Host: a', 'Proxy-Connection: x', 'TE: x', 'Keep-Alive: x']))).toBe(403);
    expect(await send('CONNECT /asked/a HTTP/1.1\r\nHost: a\r\n\r\n')).not.toBe(200);
    const upgrade =
      'GET /asked/a HTTP/1.1\r\nHost: a\r\nConnection: upgrade, x\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n';
    expect(await send(upgrade)).not.toBe(101);
    expect(handled).toEqual([]);
  });
});

describe('a service that decides over gRPC', () => {
  type Answer = MessageInitShape<typeof CheckResponseSchema>;

  async function decider(answer: (request: CheckRequest) => Answer): Promise<{ port: number; asked: CheckRequest[] }> {
    const server = new grpc.Server();
    const asked: CheckRequest[] = [];
    server.addService(
      { check: checkMethod },
      {
        check(call: grpc.ServerUnaryCall<CheckRequest, unknown>, callback: grpc.sendUnaryData<unknown>) {
          asked.push(call.request);
          callback(null, create(CheckResponseSchema, answer(call.request)));
        },
      },
    );
    const port = await new Promise<number>((resolve, reject) => {
      const insecure = grpc.ServerCredentials.createInsecure();
      server.bindAsync('127.0.0.1:0', insecure, (error, at) => (error === null ? resolve(at) : reject(error)));
    });
    keep({ close: async () => server.forceShutdown() });
    return { port, asked };
  }

  const header = (key: string, value: string) => ({ header: { key, value } });

  it('is told of the request, and its answer is acted on', async () => {
    const { port, asked } = await decider(({ attributes }) =>
      attributes?.request?.http?.headers['x-user'] === 'me'
        ? {
            status: { code: 0 },
            httpResponse: {
              case: 'okResponse',
              value: {
                headers: [header('X-Id', '7'), header(':path', '/evil')],
                headersToRemove: ['x-password'],
                responseHeadersToAdd: [header('x-seen', 'yes')],
              },
            },
          }
        : {
            status: { code: 7 },
            httpResponse: {
              case: 'deniedResponse',
              value: { status: { code: 402 }, headers: [header('x-reason', 'stranger')], body: 'pay first' },
            },
          },
    );
    const service = await servePoliced(keep, files('envoyExtAuthzGrpc', port));
    const send = (user: string) =>
      fetch(`http://127.0.0.1:${service.port}/asked/a?x=1`, {
        headers: { 'x-user': user, 'x-id': 'forged', 'x-password': 'hunter2', connection: 'close' },
      });
    const [allowed, refused] = [await send('me'), await send('you')];
    expect([allowed.status, allowed.headers.get('x-seen')]).toEqual([200, 'yes']);
    expect(service.handled.map(({ url, headers }) => [url, headers['x-id'], headers['x-password']])).toEqual([
      ['/asked/a?x=1', '7', undefined],
    ]);
    expect([refused.status, refused.headers.get('x-reason'), await refused.text()]).toEqual([
      402,
      'stranger',
      'pay first',
    ]);
    expect(asked[0]?.attributes?.request?.http).toMatchObject({ method: 'GET', path: '/asked/a?x=1', scheme: 'http' });
    expect(asked[0]?.attributes?.source?.address?.address.value).toMatchObject({ address: '127.0.0.1' });
  });

  it.each<[string, Answer]>([
    ['a status alone', { status: { code: 7 } }],
    ['a status against its own headers', { status: { code: 16 }, httpResponse: { case: 'okResponse', value: {} } }],
  ])('refuses by %s', async (_what, answer) => {
    const { port } = await decider(() => answer);
    const { get, handled } = await servePoliced(keep, files('envoyExtAuthzGrpc', port));
    expect(await get('/asked/a')).toBe('403 ');
    expect(handled).toEqual([]);
  });

  it('that is away closes what it decides of', async () => {
    const { get, handled } = await servePoliced(keep, files('envoyExtAuthzGrpc', 1));
    expect(await get('/asked/a')).toBe('403 ');
    expect(handled).toEqual([]);
  });
});
