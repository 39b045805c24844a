import { once } from 'node:events';
import { runInNewContext } from 'node:vm';
import * as grpc from '@grpc/grpc-js';
import { RateLimiter } from '@inmesh/core';
import { FakeClock, testRateLimit } from '@inmesh/core/testing';
import { describe, expect, it } from 'vitest';
import type { GrpcAuthorize } from '../../src/grpc/index.js';
import { type GrpcServerOptions, serverInterceptor } from '../../src/grpc/server/server-interceptor.js';
import { silentLogger } from '../../src/logger.js';
import { currentInbound } from '../../src/server/current-call.js';
import type { InboundCall } from '../../src/server/inbound-call.js';
import { payload } from './interop-service.js';
import { begin, gate, handlersOfAllKinds, kinds, rawCall, serve, until } from './server-support.js';
import { clientOf, metadataOf, startMesh, startServer, unary } from './support.js';

async function connect(options: GrpcServerOptions = {}, server: Parameters<typeof startServer>[0] = {}) {
  const interceptors = [startMesh([]).grpc.serverInterceptor(options)];
  const served = await startServer({ ...server, options: { interceptors } });
  return { server: served, client: clientOf(startMesh([served])) };
}

function reasonOf({ metadata }: { readonly metadata: grpc.Metadata }): unknown {
  return metadata.get('x-inmesh-reason')[0];
}

describe('a deadline that is over', () => {
  // Envoy's header, so that neither grpc-js's own timer nor the client's is the one that ends the call.
  const metadata = { 'x-envoy-expected-rq-timeout-ms': '40' };

  it.each(kinds)('ends a %s whose handler does not answer, and tells the handler', async (kind) => {
    const clock = new FakeClock();
    const begun = gate();
    const cancelled = gate();
    const handlers = handlersOfAllKinds((call) => {
      call.on('cancelled', () => cancelled.open());
      begun.open();
    });
    const server = await serve(handlers, { interceptors: [serverInterceptor({ ...startMesh([]).internals, clock })] });
    const call = begin(clientOf(startMesh([server])), kind, { metadata });
    await begun.passed;
    clock.advance(40);
    const { code, details } = await call.ended;
    expect([code, details]).toEqual([4, expect.stringContaining('deadline')]);
    await cancelled.passed;
  });

  it('on arrival keeps the call from its handler', async () => {
    const { server } = await connect();
    const { session, stream } = rawCall(server.port, '0m');
    const [headers] = await once(stream, 'response');
    session.destroy();
    expect([headers['grpc-status'], headers['x-inmesh-reason']]).toEqual(['4', 'deadline_exceeded']);
    expect(server.seen).toEqual([]);
  });

  it('drops what the handler still says', async () => {
    const clock = new FakeClock();
    const late = gate();
    const server = await serve(
      {
        StreamingOutputCall: (call) => {
          call.write({ payload: payload(1) });
          call.on('cancelled', () => {
            call.write({ payload: payload(2) });
            call.end();
            setImmediate(() => late.open());
          });
        },
      },
      { interceptors: [serverInterceptor({ ...startMesh([]).internals, clock })] },
    );
    const stream = clientOf(startMesh([server])).StreamingOutputCall({}, metadataOf(metadata));
    const sizes: number[] = [];
    stream.on('data', (message) => {
      sizes.push(message.payload.body.length);
      clock.advance(40);
    });
    stream.on('error', () => {}); // its status says the same
    const status = await new Promise<grpc.StatusObject>((resolve) => stream.on('status', resolve));
    await late.passed;
    expect([sizes, status.code]).toEqual([[1], grpc.status.DEADLINE_EXCEEDED]);
  });
});

describe('a rate limit of the route', () => {
  it.each(kinds)('refuses a %s above it, and its handler does not run', async (kind) => {
    const bucket = { maxTokens: 2, tokensPerFill: 2, fillIntervalMs: 600_000 };
    const { internals } = startMesh([], {
      route: { rateLimits: [testRateLimit({ bucket, responseHeaders: ['x-limit', 'two'] })] },
    });
    const rateLimiter = new RateLimiter(internals);
    let served = 0;
    const handlers = handlersOfAllKinds((_call, answer) => {
      served += 1;
      answer({ code: 0 });
    });
    const server = await serve(handlers, { interceptors: [serverInterceptor({ ...internals, rateLimiter })] });
    const client = clientOf(startMesh([server]));
    const statuses = [];
    for (let i = 0; i < 3; i += 1) statuses.push(await begin(client, kind).ended);
    expect(statuses.map(({ code }) => code)).toEqual([0, 0, grpc.status.RESOURCE_EXHAUSTED]);
    const { metadata, details } = statuses[2]!;
    expect([details, metadata.get('x-envoy-ratelimited'), metadata.get('x-limit'), reasonOf(statuses[2]!)]).toEqual([
      'local_rate_limited',
      ['true'],
      ['two'],
      'rate_limited',
    ]);
    expect(served).toBe(2);
  });
});

describe('a limit of concurrent calls', () => {
  it.each(kinds)('refuses what comes above it while a %s lasts, and no longer', async (kind) => {
    const answers: (() => void)[] = [];
    const running = gate();
    const server = await serve(
      handlersOfAllKinds((_call, answer) => {
        answers.push(() => answer({ code: 0 }));
        if (answers.length === 2) running.open();
      }),
      { interceptors: [startMesh([]).grpc.serverInterceptor({ maxConcurrent: 2 })] },
    );
    const client = clientOf(startMesh([server]));
    const first = [begin(client, kind), begin(client, kind)];
    await running.passed;
    const refused = await begin(client, 'UnaryCall').ended;
    expect([refused.code, reasonOf(refused)]).toEqual([grpc.status.RESOURCE_EXHAUSTED, 'concurrency_limited']);
    for (const answer of answers) answer();
    expect((await Promise.all(first.map(({ ended }) => ended))).map(({ code }) => code)).toEqual([0, 0]);
    const next = begin(client, kind);
    await until(() => answers.length === 3);
    answers[2]!();
    expect((await next.ended).code).toBe(0);
  });

  it('has a place again when a client leaves', async () => {
    const { client, server } = await connect({ maxConcurrent: 1 }, { unary: () => new Promise(() => {}) });
    const first = begin(client, 'UnaryCall');
    await server.untilSeen(1);
    first.cancel();
    await server.untilCancelled(1);
    const { code } = await begin(client, 'StreamingOutputCall').ended;
    expect(code).toBe(0);
  });

  it.each([0, -1, 1.5, Number.NaN])('of %s is refused when the interceptor is made', (maxConcurrent) => {
    expect(() => startMesh([]).grpc.serverInterceptor({ maxConcurrent })).toThrow(/maxConcurrent/);
  });
});

describe('the authorization hook', () => {
  const notYou: GrpcAuthorize = ({ metadata }) =>
    metadata.get('user')[0] === 'eve' ? { code: grpc.status.UNAUTHENTICATED, details: 'who is eve?' } : undefined;

  it.each(kinds)('lets a %s in, or refuses it before its handler', async (kind) => {
    const { client, server } = await connect({ authorize: notYou });
    const ofEve = await begin(client, kind, { metadata: { user: 'eve' } }).ended;
    expect([ofEve.code, ofEve.details, reasonOf(ofEve)]).toEqual([16, 'who is eve?', 'unauthorized']);
    expect(server.seen).toEqual([]);
    const ofBob = await begin(client, kind, { metadata: { user: 'bob' } }).ended;
    expect([ofBob.code, server.seen]).toEqual([0, [kind]]);
  });

  it('knows the method, the host and the address', async () => {
    const seen: unknown[] = [];
    const { client } = await connect({
      authorize: ({ path, authority, sourceAddress, authContext }) => {
        seen.push({ path, authority, sourceAddress, authContext });
        return undefined;
      },
    });
    await unary(client);
    expect(seen).toEqual([
      {
        path: '/grpc.testing.TestService/UnaryCall',
        authority: 'reviews:80',
        sourceAddress: '127.0.0.1',
        authContext: {},
      },
    ]);
  });

  it('may ask others, as part of the call', async () => {
    const policies = await startServer();
    const mesh = startMesh([policies]);
    const policyClient = clientOf(mesh);
    const authorize: GrpcAuthorize = async () => {
      const { response } = await unary(policyClient);
      return { code: 7, details: `${response?.username} says no to ${currentInbound()?.headers.get('x-request-id')}` };
    };
    const server = await startServer({ options: { interceptors: [mesh.grpc.serverInterceptor({ authorize })] } });
    const { error } = await unary(clientOf(startMesh([server])), {}, { metadata: { 'x-request-id': '7' } });
    expect(error).toMatchObject({ code: 7, details: 'a says no to 7' });
    expect(policies.metadata[0]!.get('x-request-id')).toEqual(['7']);
  });

  it.each([
    () => {
      throw new Error('password is 1234');
    },
    () => Promise.reject(new Error('password is 1234')),
  ])('lets nobody in when it fails, and tells nothing of why', async (authorize) => {
    const { client, server } = await connect({ authorize });
    const { error } = await unary(client);
    expect(error).toMatchObject({ code: grpc.status.INTERNAL, details: 'internal error' });
    expect(server.seen).toEqual([]);
  });

  it.each([
    [true, 'returned true'],
    [null, 'returned null'],
    ['secret', 'returned a value of type string'],
    [{ code: 7 }, 'returned a value of type object'],
    [{ details: 'no' }, 'returned a value of type object'],
  ])('lets nobody in where it says %o, and the log says what it is to return', async (verdict, said) => {
    const lines: string[] = [];
    const { internals } = startMesh([]);
    const logger = {
      ...silentLogger,
      error: (message: string, fields: unknown) =>
        lines.push(`${message}: ${(fields as { error: Error }).error.message}`),
    };
    for (const given of [verdict, Promise.resolve(verdict)]) {
      const authorize: GrpcAuthorize = () => given as never;
      const interceptors = [serverInterceptor({ ...internals, logger }, { authorize })];
      const server = await startServer({ options: { interceptors } });
      const { error } = await unary(clientOf(startMesh([server])));
      expect(error).toMatchObject({ code: grpc.status.INTERNAL, details: 'internal error' });
      expect(server.seen).toEqual([]);
    }
    const line = `a gRPC call failed on its way to its handler: authorize ${said}: return undefined to let a call in, { code, details } to refuse it`;
    expect(lines).toEqual([line, line]);
  });

  it.each([0, 17, -1, 1.5])('refuses with PERMISSION_DENIED where it says %s', async (code) => {
    const { client } = await connect({ authorize: () => ({ code, details: 'no' }) });
    expect((await unary(client)).error).toMatchObject({ code: grpc.status.PERMISSION_DENIED });
  });

  it('may answer with a promise of another realm', async () => {
    const authorize: GrpcAuthorize = () => runInNewContext("Promise.resolve({ code: 16, details: 'who?' })");
    const { client } = await connect({ authorize });
    expect((await unary(client)).error).toMatchObject({ code: 16, details: 'who?' });
  });

  it('is forgotten when the client leaves while it thinks', async () => {
    const asked: (InboundCall | undefined)[] = [];
    const verdict = gate<undefined>();
    const clock = new FakeClock();
    const authorize = () => {
      asked.push(currentInbound());
      return verdict.passed;
    };
    const interceptors = [serverInterceptor({ ...startMesh([]).internals, clock }, { authorize })];
    const server = await startServer({ options: { interceptors } });
    const client = clientOf(startMesh([server]));
    const cancelled = begin(client, 'UnaryCall');
    const late = begin(client, 'UnaryCall', { metadata: { 'x-envoy-expected-rq-timeout-ms': '40' } });
    await until(() => asked.length === 2);
    cancelled.cancel();
    clock.advance(40);
    expect((await late.ended).code).toBe(grpc.status.DEADLINE_EXCEEDED);
    await until(() => asked.every((call) => call?.cancelled !== undefined));
    verdict.open(undefined);
    await new Promise(setImmediate);
    expect(server.seen).toEqual([]);
  });
});
