import { once } from 'node:events';
import * as grpc from '@grpc/grpc-js';
import type { RetryCondition } from '@inmesh/core';
import { testRetryPolicy, testThresholds } from '@inmesh/core/testing';
import { describe, expect, it } from 'vitest';
import { tcpServer } from '../support/test-server.js';
import { grpcServer } from './interop-server.js';
import type { OutputResponse } from './interop-service.js';
import { clientOf, collect, keep, startMesh, startServer, startWire, unary } from './support.js';

/** What a VirtualService has by default (Istio). */
const istioDefault = testRetryPolicy({
  on: new Set<RetryCondition>(['connect-failure', 'refused-stream', 'unavailable', 'cancelled']),
  backoff: { baseMs: 5, maxMs: 50 },
});

/** Istio's own clusters have no limits. */
const unlimited = { ...testThresholds, maxRetries: Number.POSITIVE_INFINITY };
const istioBreakers = { default: unlimited, high: unlimited };

describe('connections to endpoints', () => {
  it('are one for each endpoint, shared by all clients with the same options', async () => {
    const server = await startServer();
    const wire = await startWire(server);
    const mesh = startMesh([wire]);
    const clients = [clientOf(mesh), clientOf(mesh)];
    await Promise.all(Array.from({ length: 50 }, (_, i) => unary(clients[i % 2]!)));
    expect(wire.connections).toBe(1);
    expect(server.seen).toHaveLength(50);
  });

  it('let the streams of an endpoint that was removed end in peace, and then close', async () => {
    const [a, b] = [await startServer({ name: 'a' }), await startServer({ name: 'b' })];
    const mesh = startMesh([a]);
    const client = clientOf(mesh);
    const stream = client.FullDuplexCall();
    const result = collect(stream as unknown as grpc.ClientDuplexStream<never, OutputResponse>);
    stream.write({ response_parameters: [{ size: 1 }] });
    await once(stream, 'data');
    mesh.setPorts([b.port]);
    expect((await unary(client)).response?.username).toBe('b');
    stream.write({ response_parameters: [{ size: 2 }] });
    await once(stream, 'data');
    const { state } = mesh.internals.snapshots.current.clusters.get('reviews')!;
    expect(state.breaker.connections).toBe(2);
    stream.end();
    expect((await result).status.code).toBe(grpc.status.OK);
    expect(state.breaker.connections).toBe(1);
  });

  it('are made to a new endpoint at once', async () => {
    const [a, b] = [await startServer({ name: 'a' }), await startServer({ name: 'b' })];
    const mesh = startMesh([a]);
    const client = clientOf(mesh);
    await unary(client);
    mesh.setPorts([a.port, b.port]);
    const names = [];
    for (let i = 0; i < 4; i += 1) names.push((await unary(client)).response?.username);
    expect(names.sort()).toEqual(['a', 'a', 'b', 'b']);
  });

  it('are given up that do not come up within the connect timeout', async () => {
    const silent = keep(await tcpServer(() => {}));
    const server = await startServer();
    const mesh = startMesh([silent, server], { retry: istioDefault, cluster: { connectTimeoutMs: 50 } });
    const client = clientOf(mesh);
    for (let i = 0; i < 3; i += 1) expect((await unary(client)).error).toBeNull();
    const { state } = mesh.internals.snapshots.current.clusters.get('reviews')!;
    expect(state.breaker.pendingRequests).toBe(0);
  });

  it('are waited for by no more calls than may', async () => {
    const silent = keep(await tcpServer(() => {}));
    const limited = { ...testThresholds, maxPendingRequests: 1 };
    const client = clientOf(startMesh([silent], { cluster: { circuitBreakers: { default: limited, high: limited } } }));
    const first = unary(client, {}, { deadline: Date.now() + 100 });
    await Promise.resolve();
    expect((await unary(client)).error?.details).toContain('upstream_overflow');
    expect((await first).error?.code).toBe(grpc.status.DEADLINE_EXCEEDED);
  });

  it('are found again within a moment after a restart', async () => {
    const server = await startServer();
    const client = clientOf(startMesh([server]));
    await unary(client);
    await server.close();
    expect((await unary(client)).error).not.toBeNull();
    await startServer({ port: server.port });
    const metadata = new grpc.Metadata({ waitForReady: true });
    const error = await new Promise((resolve) =>
      client.UnaryCall({}, metadata, { deadline: Date.now() + 3000 }, resolve),
    );
    expect(error).toBeNull();
  });

  it('lose no call where the server ends them all the time by their age', async () => {
    const server = await startServer({
      options: { 'grpc.max_connection_age_ms': 20, 'grpc.max_connection_age_grace_ms': 5000 },
    });
    const client = clientOf(startMesh([server]));
    const until = performance.now() + 600;
    let calls = 0;
    while (performance.now() < until) {
      const results = await Promise.all(Array.from({ length: 10 }, () => unary(client)));
      for (const { error } of results) expect(error).toBeNull();
      calls += results.length;
    }
    expect(server.seen).toHaveLength(calls);
  });

  it('lose no unary call in a rolling restart of three endpoints', async () => {
    const servers = [await grpcServer(), await grpcServer(), await grpcServer()];
    const mesh = startMesh(servers, { retry: istioDefault, cluster: { circuitBreakers: istioBreakers } });
    const client = clientOf(mesh);
    let isOver = false;
    let calls = 0;
    const failures: unknown[] = [];
    const load = Array.from({ length: 8 }, async () => {
      while (!isOver) {
        const { error } = await unary(client);
        calls += 1;
        if (error !== null) failures.push(`${error.code} ${error.details}`);
      }
    });
    for (const [index, server] of servers.entries()) {
      await server.shutdown();
      for (let turn = 0; turn < 20; turn += 1) await unary(client);
      servers[index] = await grpcServer({ port: server.port });
      for (let turn = 0; turn < 20; turn += 1) await unary(client);
    }
    isOver = true;
    await Promise.all(load);
    for (const server of servers) await server.close();
    expect(failures).toEqual([]);
    expect(calls).toBeGreaterThan(100);
  });

  it('lose no call whose connection broke, where the policy names UNAVAILABLE', async () => {
    const wires = [await startWire(await startServer()), await startWire(await startServer())];
    const retryBudget = { percent: 100, minConcurrency: 100 };
    const client = clientOf(startMesh(wires, { retry: istioDefault, cluster: { retryBudget } }));
    const failures: unknown[] = [];
    for (let round = 0; round < 10; round += 1) {
      const calls = Array.from({ length: 10 }, () => unary(client));
      if (round > 0) await Promise.resolve().then(() => wires[round % 2]!.cut());
      for (const { error } of await Promise.all(calls)) if (error !== null) failures.push(error.details);
    }
    expect(failures).toEqual([]);
  });

  it('that lead nowhere are found by keepalive, and their calls are sent elsewhere (a4)', async () => {
    const wire = await startWire(await startServer({ name: 'lost' }));
    const server = await startServer({ name: 'found' });
    const mesh = startMesh([wire, server], { retry: istioDefault });
    const client = clientOf(mesh, { 'grpc.keepalive_time_ms': 50, 'grpc.keepalive_timeout_ms': 50 });
    for (let i = 0; i < 2; i += 1) await unary(client);
    wire.freeze();
    const answers = await Promise.all([unary(client), unary(client)]);
    expect(answers.map(({ response }) => response?.username)).toEqual(['found', 'found']);
  });

  it('that lead nowhere hold no call beyond its deadline (a2)', async () => {
    const wire = await startWire(await startServer());
    const client = clientOf(startMesh([wire]));
    await unary(client);
    wire.freeze();
    const started = performance.now();
    expect((await unary(client, {}, { deadline: Date.now() + 100 })).error?.code).toBe(grpc.status.DEADLINE_EXCEEDED);
    expect(performance.now() - started).toBeLessThan(150);
  });

  it('that lead nowhere are given up when nothing has come for a second (a4)', async () => {
    const server = await startServer();
    const wire = await startWire(server);
    const client = clientOf(startMesh([wire]));
    await unary(client);
    wire.freeze();
    const calls = [];
    for (let i = 0; i < 12; i += 1) calls.push(await unary(client, {}, { deadline: Date.now() + 300 }));
    expect(calls[0]!.error?.code).toBe(grpc.status.DEADLINE_EXCEEDED);
    expect(calls.at(-1)!.error).toBeNull();
    expect(wire.connections).toBe(2);
  });

  it('are kept where a call is slow and others are answered', async () => {
    const server = await startServer({
      unary: (call) => (call.request.response_size === 1 ? new Promise(() => {}) : Promise.resolve(undefined)),
    });
    const wire = await startWire(server);
    const client = clientOf(startMesh([wire]));
    await unary(client);
    const slow = unary(client, { response_size: 1 }, { deadline: Date.now() + 1200 });
    await server.untilSeen(2);
    await unary(client);
    expect((await slow).error?.code).toBe(grpc.status.DEADLINE_EXCEEDED);
    await unary(client);
    expect(wire.connections).toBe(1);
  });

  it('are remade when they are as used as the cluster allows', async () => {
    const wire = await startWire(await startServer());
    const client = clientOf(startMesh([wire], { cluster: { maxRequestsPerConnection: 2 } }));
    for (let i = 0; i < 6; i += 1) expect((await unary(client)).error).toBeNull();
    expect(wire.connections).toBe(3);
  });

  it('are remade when they are as old as the cluster allows', async () => {
    const wire = await startWire(await startServer());
    const client = clientOf(startMesh([wire], { cluster: { maxConnectionDurationMs: 1 } }));
    for (let i = 0; i < 3; i += 1) expect((await unary(client)).error).toBeNull();
    expect(wire.connections).toBeGreaterThan(1);
  });

  it('close with the last client that uses them', async () => {
    const wire = await startWire(await startServer());
    const mesh = startMesh([wire]);
    const [one, another] = [clientOf(mesh), clientOf(mesh)];
    await unary(one);
    one.close();
    expect((await unary(another)).error).toBeNull();
    const { breaker } = mesh.internals.snapshots.current.clusters.get('reviews')!.state;
    expect(breaker.connections).toBe(1);
    another.close();
    expect(breaker.connections).toBe(0);
    expect(() => another.EmptyCall({}, new grpc.Metadata(), {}, () => {})).toThrow('Channel has been shut down');
  });
});
