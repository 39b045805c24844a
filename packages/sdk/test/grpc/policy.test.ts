import * as grpc from '@grpc/grpc-js';
import type { CallEnd, RetryCondition } from '@inmesh/core';
import { testOutlierDetection, testRetryPolicy, testThresholds } from '@inmesh/core/testing';
import { describe, expect, it } from 'vitest';
import { RecordingTelemetry } from '../server/recording-telemetry.js';
import { closedPort, tcpServer } from '../support/test-server.js';
import type { UnaryHandler } from './interop-server.js';
import { payload } from './interop-service.js';
import { clientOf, keep, startMesh, startServer, unary } from './support.js';

const fast = { baseMs: 1, maxMs: 2 };
const { status } = grpc;

function retryOn(on: readonly RetryCondition[], attempts = 2) {
  return testRetryPolicy({ on: new Set(on), attempts, backoff: fast });
}

/** Fails the first calls, then answers. */
function failing(times: number, code: number, trailer: Readonly<Record<string, string>> = {}): UnaryHandler {
  return async (_, seenBefore) => {
    if (seenBefore >= times) return undefined;
    const metadata = new grpc.Metadata();
    for (const [name, value] of Object.entries(trailer)) metadata.set(name, value);
    return { code, details: 'not now', metadata };
  };
}

describe('routing of gRPC calls', () => {
  it('goes by metadata', async () => {
    const [a, b] = [await startServer({ name: 'a' }), await startServer({ name: 'b' })];
    const header = { name: 'x-user', invert: false, treatMissingAsEmpty: false } as const;
    const test = {
      kind: 'string',
      matcher: { kind: 'exact', value: 'jason', ignoreCase: false },
    } as const;
    const mesh = startMesh([a], {
      shadowPorts: [b.port],
      routes: [{ match: { headers: [{ ...header, test }] }, cluster: 'shadows' }, {}],
    });
    const client = clientOf(mesh);
    expect((await unary(client, {}, { metadata: { 'x-user': 'jason' } })).response?.username).toBe('b');
    expect((await unary(client)).response?.username).toBe('a');
  });

  it('takes binary metadata as absent', async () => {
    const [a, b] = [await startServer({ name: 'a' }), await startServer({ name: 'b' })];
    const test = { kind: 'present', present: true } as const;
    const header = { name: 'x-user-bin', invert: false, treatMissingAsEmpty: false, test };
    const mesh = startMesh([a], {
      shadowPorts: [b.port],
      routes: [{ match: { headers: [header] }, cluster: 'shadows' }, {}],
    });
    const sent = { 'x-user-bin': Buffer.from([0, 255]) };
    expect((await unary(clientOf(mesh), {}, { metadata: sent })).response?.username).toBe('a');
    expect(a.metadata[0]!.get('x-user-bin')).toEqual([Buffer.from([0, 255])]);
  });

  it('goes by the method’s path', async () => {
    const server = await startServer();
    const path = { kind: 'prefix', value: '/another.Service/', ignoreCase: false } as const;
    const { error } = await unary(clientOf(startMesh([server], { route: { match: { path } } })));
    expect(error?.code).toBe(status.UNIMPLEMENTED);
    expect(error?.details).toContain('no_route');
  });

  it('keeps to the weights', async () => {
    const [a, b] = [await startServer({ name: 'a' }), await startServer({ name: 'b' })];
    const targets = [
      { cluster: 'reviews', weight: 90 },
      { cluster: 'shadows', weight: 10 },
    ];
    const client = clientOf(startMesh([a], { shadowPorts: [b.port], action: { targets } }));
    await Promise.all(Array.from({ length: 1000 }, () => unary(client)));
    expect(a.seen.length + b.seen.length).toBe(1000);
    // Drawn with a fixed seed.
    expect(b.seen.length).toBeGreaterThan(70);
    expect(b.seen.length).toBeLessThan(130);
  });

  it('spreads over the endpoints in turn', async () => {
    const servers = [await startServer(), await startServer(), await startServer()];
    const client = clientOf(startMesh(servers));
    for (let i = 0; i < 9; i += 1) expect((await unary(client)).error).toBeNull();
    expect(servers.map(({ seen }) => seen.length)).toEqual([3, 3, 3]);
  });

  it('tells the upstream the authority that was called, and none of the mesh’s own headers', async () => {
    const hosts: string[] = [];
    const server = await startServer({
      unary: async (call) => {
        hosts.push(call.getHost());
        return undefined;
      },
    });
    await unary(clientOf(startMesh([server])));
    expect(hosts).toEqual(['reviews:80']);
    expect(Object.keys(server.metadata[0]!.getMap()).sort()).toEqual(['user-agent']);
  });
});

describe('retries of gRPC calls', () => {
  it('go to another endpoint and say how many attempts were made', async () => {
    const servers = [await startServer({ unary: failing(1, 14) }), await startServer({ unary: failing(1, 14) })];
    const client = clientOf(startMesh(servers, { retry: retryOn(['unavailable']) }));
    const { response, metadata } = await unary(client);
    expect(response?.username).toBe('a');
    const attempts = servers.map((server) => server.metadata.flatMap((seen) => seen.get('grpc-previous-rpc-attempts')));
    expect(attempts.flat().sort()).toEqual(['1', '2']);
    expect(metadata?.get('grpc-previous-rpc-attempts')).toEqual(['2']);
  });

  it('are not made of another status than the policy names', async () => {
    const server = await startServer({ unary: failing(1, 5) });
    const { error } = await unary(clientOf(startMesh([server], { retry: retryOn(['unavailable']) })));
    expect(error).toMatchObject({ code: 5, details: 'not now' });
    expect(server.seen).toHaveLength(1);
  });

  it('tell the last status when all have failed', async () => {
    const server = await startServer({ unary: failing(9, 14, { 'x-why': 'busy' }) });
    const { error } = await unary(clientOf(startMesh([server], { retry: retryOn(['unavailable']) })));
    expect(error).toMatchObject({ code: 14, details: 'not now' });
    expect(error?.metadata.get('x-why')).toEqual(['busy']);
    expect(server.seen).toHaveLength(3);
  });

  it('are four at most, whatever the policy says', async () => {
    const server = await startServer({ unary: failing(99, 14) });
    const cluster = { circuitBreakers: { default: testThresholds, high: testThresholds } };
    const retryBudget = { percent: 100, minConcurrency: 100 };
    const retry = retryOn(['unavailable'], 50);
    await unary(clientOf(startMesh([server], { retry, cluster: { ...cluster, retryBudget } })));
    expect(server.seen).toHaveLength(5);
  });

  it('wait as long as the server asks for', async () => {
    const server = await startServer({ unary: failing(1, 14, { 'grpc-retry-pushback-ms': '120' }) });
    const started = performance.now();
    const { error } = await unary(clientOf(startMesh([server], { retry: retryOn(['unavailable']) })));
    expect(error).toBeNull();
    expect(performance.now() - started).toBeGreaterThan(119);
  });

  it.each(['-1', 'soon'])('are not made when the server says %s', async (value) => {
    const server = await startServer({ unary: failing(1, 14, { 'grpc-retry-pushback-ms': value }) });
    const { error } = await unary(clientOf(startMesh([server], { retry: retryOn(['unavailable']) })));
    expect([error?.code, server.seen.length]).toEqual([14, 1]);
  });

  it('are not made once response headers have come', async () => {
    const server = await startServer({
      unary: async (call) => {
        call.sendMetadata(new grpc.Metadata());
        return { code: 14, details: 'too late' };
      },
    });
    const { error } = await unary(clientOf(startMesh([server], { retry: retryOn(['unavailable']) })));
    expect(error).toMatchObject({ code: 14, details: 'too late' });
    expect(server.seen).toHaveLength(1);
  });

  it('move on from an endpoint on which nothing listens', async () => {
    const server = await startServer();
    const client = clientOf(startMesh([{ port: await closedPort() }, server], { retry: retryOn(['connect-failure']) }));
    for (let i = 0; i < 4; i += 1) expect((await unary(client)).error).toBeNull();
    expect(server.seen).toHaveLength(4);
  });

  it('do not send again what no buffer holds', async () => {
    const server = await startServer({ unary: failing(1, 14) });
    const mesh = startMesh([server], { retry: retryOn(['unavailable']) });
    const client = clientOf(mesh, { 'grpc.per_rpc_retry_buffer_size': 1000 });
    const { error } = await unary(client, { payload: payload(2000) });
    expect([error?.code, server.seen.length]).toEqual([14, 1]);
  });

  it('follow a connection that breaks where the policy names UNAVAILABLE', async () => {
    let connections = 0;
    const broken = keep(
      await tcpServer((socket) => {
        connections += 1;
        // A server preface, so that the connection counts as made; then it breaks with the request on it.
        socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
        socket.on('data', (data) => {
          if (data.includes('grpc.testing')) socket.resetAndDestroy();
          else if (data.length > 60) setTimeout(() => socket.resetAndDestroy(), 5);
        });
      }),
    );
    const server = await startServer();
    const client = clientOf(startMesh([broken, server], { retry: retryOn(['unavailable']) }));
    for (let i = 0; i < 4; i += 1) expect((await unary(client)).error).toBeNull();
    expect(connections).toBeGreaterThan(0);
  });
});

describe('limits of gRPC calls', () => {
  it('end a call at its deadline, which the server is told', async () => {
    let left = 0;
    const server = await startServer({
      unary: (call) => {
        left = Number(call.getDeadline()) - Date.now();
        return new Promise(() => {});
      },
    });
    const { error } = await unary(clientOf(startMesh([server])), {}, { deadline: Date.now() + 200 });
    expect(error?.code).toBe(status.DEADLINE_EXCEEDED);
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(201);
    await server.untilCancelled(1);
  });

  it('end a call at the route’s timeout', async () => {
    const server = await startServer({ unary: () => new Promise(() => {}) });
    const { error } = await unary(clientOf(startMesh([server], { timeoutMs: 60 })));
    expect(error?.code).toBe(status.DEADLINE_EXCEEDED);
    expect(error?.details).toContain("the route's timeout of 60 ms has passed");
  });

  it('refuse calls beyond the breaker’s', async () => {
    const server = await startServer({ unary: () => new Promise(() => {}) });
    const limited = { ...testThresholds, maxRequests: 1 };
    const mesh = startMesh([server], { cluster: { circuitBreakers: { default: limited, high: limited } } });
    const client = clientOf(mesh);
    const first = unary(client, {}, { deadline: Date.now() + 500 });
    await server.untilSeen(1);
    const { error } = await unary(client);
    expect(error?.code).toBe(status.UNAVAILABLE);
    expect(error?.details).toContain('upstream_overflow (UO)');
    await first;
    expect(mesh.internals.snapshots.current.clusters.get('reviews')!.state.breaker).toMatchObject({
      requests: 0,
      pendingRequests: 0,
      connections: 1,
    });
  });

  it('eject an endpoint that fails', async () => {
    const bad = await startServer({ unary: failing(1000, 14) });
    const good = [await startServer(), await startServer()];
    const outlierDetection = testOutlierDetection({ maxEjectionPercent: 50 });
    const retry = retryOn(['unavailable']);
    const client = clientOf(startMesh([bad, ...good], { retry, cluster: { outlierDetection } }));
    for (let i = 0; i < 60; i += 1) expect((await unary(client)).error).toBeNull();
    expect(bad.seen).toHaveLength(5);
  });

  it('leave an endpoint that has become slow, whose calls go elsewhere (a3)', async () => {
    const slow = await startServer({ unary: () => new Promise((resolve) => setTimeout(resolve, 1000, undefined)) });
    const good = [await startServer(), await startServer()];
    const outlierDetection = testOutlierDetection({ maxEjectionPercent: 50 });
    const retry = { ...retryOn(['deadline-exceeded']), perTryTimeoutMs: 150 };
    const client = clientOf(startMesh([slow, ...good], { retry, cluster: { outlierDetection } }));
    for (let i = 0; i < 40; i += 1) expect((await unary(client)).error).toBeNull();
    expect(slow.seen).toHaveLength(5);
  });
});

describe('faults of gRPC calls', () => {
  const everyCall = 1_000_000;
  const none = { headers: [], maxActive: Number.POSITIVE_INFINITY, delay: undefined, abort: undefined };

  it('abort with a gRPC status', async () => {
    const server = await startServer();
    const fault = { ...none, abort: { httpStatus: 200, grpcStatus: 14, perMillion: everyCall } };
    const { error } = await unary(clientOf(startMesh([server], { route: { fault } })));
    expect(error).toMatchObject({ code: 14, details: 'fault filter abort' });
    expect(server.seen).toEqual([]);
  });

  it('abort with what an HTTP status maps to', async () => {
    const fault = { ...none, abort: { httpStatus: 404, grpcStatus: undefined, perMillion: everyCall } };
    const { error } = await unary(clientOf(startMesh([await startServer()], { route: { fault } })));
    expect(error?.code).toBe(status.UNIMPLEMENTED);
  });

  it('delay', async () => {
    const fault = { ...none, delay: { fixedMs: 100, perMillion: everyCall } };
    const client = clientOf(startMesh([await startServer()], { route: { fault } }));
    const started = performance.now();
    expect((await unary(client)).error).toBeNull();
    expect(performance.now() - started).toBeGreaterThan(99);
  });

  it('delay no longer than the deadline', async () => {
    const fault = { ...none, delay: { fixedMs: 60_000, perMillion: everyCall } };
    const client = clientOf(startMesh([await startServer()], { route: { fault } }));
    const { error } = await unary(client, {}, { deadline: Date.now() + 50 });
    expect(error?.code).toBe(status.DEADLINE_EXCEEDED);
  });
});

describe('mirroring of gRPC calls', () => {
  const mirrors = [{ cluster: 'shadows', perMillion: 1_000_000, shadowSuffix: true }];

  it('sends a copy of a unary call, which nobody waits for', async () => {
    const [server, shadow] = [await startServer(), await startServer({ unary: failing(9, 13) })];
    const client = clientOf(startMesh([server], { shadowPorts: [shadow.port], action: { mirrors } }));
    const sent = { payload: payload(1000) };
    expect((await unary(client, sent, { metadata: { 'x-user': 'jason' } })).error).toBeNull();
    await shadow.untilSeen(1);
    expect(shadow.seen).toEqual(['UnaryCall']);
    expect(shadow.metadata[0]!.get('x-user')).toEqual(['jason']);
  });

  it('sends none of a stream that is still being written', async () => {
    const [server, shadow] = [await startServer(), await startServer()];
    const client = clientOf(startMesh([server], { shadowPorts: [shadow.port], action: { mirrors } }));
    const ended = new Promise((resolve) => {
      const call = client.StreamingInputCall(new grpc.Metadata(), {}, resolve);
      call.write({ payload: payload(1) });
      setImmediate(() => call.end());
    });
    expect(await ended).toBeNull();
    expect(shadow.seen).toEqual([]);
  });
});

describe('telemetry of gRPC calls', () => {
  async function endOf(
    handler: UnaryHandler | undefined,
    options: Parameters<typeof startMesh>[1] = {},
  ): Promise<CallEnd> {
    const telemetry = new RecordingTelemetry();
    const server = await startServer(handler === undefined ? {} : { unary: handler });
    await unary(clientOf(startMesh([server], { ...options, telemetry: [telemetry] })));
    expect(telemetry.started[0]!.call.protocol).toBe('grpc');
    return (await telemetry.untilEnded(1))[0]!;
  }

  it('tells the status of a call that went well', async () => {
    expect(await endOf(undefined)).toMatchObject({ httpStatus: 200, grpcStatus: 0, error: undefined });
  });

  it('tells the status of one that the upstream failed', async () => {
    expect(await endOf(failing(1, 7))).toMatchObject({ httpStatus: 403, grpcStatus: 7, error: undefined });
  });

  it('tells a status that came in trailers', async () => {
    const end = await endOf(async (call) => {
      call.sendMetadata(new grpc.Metadata());
      return { code: 9, details: 'no' };
    });
    expect(end).toMatchObject({ httpStatus: 200, grpcStatus: 9, error: undefined });
  });

  it('tells the mesh’s own failures', async () => {
    const end = await endOf(() => new Promise(() => {}), { timeoutMs: 30 });
    expect(end).toMatchObject({ grpcStatus: 4, error: { reason: 'upstream_request_timeout' } });
  });
});

describe('a call that waits for an endpoint', () => {
  it('fails at once unless it asked to wait', async () => {
    const { error } = await unary(clientOf(startMesh([])));
    expect(error?.code).toBe(status.UNAVAILABLE);
    expect(error?.details).toContain('the cluster has no endpoints');
  });

  it('goes on when there is one', async () => {
    const server = await startServer();
    const mesh = startMesh([]);
    const metadata = new grpc.Metadata({ waitForReady: true });
    const answered = new Promise((resolve) => clientOf(mesh).UnaryCall({}, metadata, {}, (error) => resolve(error)));
    await new Promise(setImmediate);
    mesh.setPorts([server.port]);
    expect(await answered).toBeNull();
  });

  it('waits no longer than its deadline', async () => {
    const metadata = new grpc.Metadata({ waitForReady: true });
    const error = await new Promise<grpc.ServiceError | null>((resolve) => {
      clientOf(startMesh([])).UnaryCall({}, metadata, { deadline: Date.now() + 60 }, (reason) => resolve(reason));
    });
    expect(error?.code).toBe(status.DEADLINE_EXCEEDED);
  });
});
