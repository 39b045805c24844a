import { once } from 'node:events';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { CircuitBreakerThresholds, Cluster } from '@inmesh/core';
import { testThresholds } from '@inmesh/core/testing';
import { request } from 'undici';
import { describe, expect, it, vi } from 'vitest';
import { keep } from '../../../../test/support/keep.js';
import { retryEverything, type StaticMesh, staticMesh } from '../support/static-mesh.js';
import { closedPort, httpServer } from '../support/test-server.js';

/** A server that answers when it is told to. */
async function slowServer() {
  const waiting: ServerResponse[] = [];
  let connections = 0;
  const listener: RequestListener = (_req, res) => void waiting.push(res);
  const { server, port, sockets, close } = keep(await httpServer(listener));
  server.on('connection', () => {
    connections += 1;
  });
  return {
    port,
    sockets,
    close,
    waiting,
    get connections() {
      return connections;
    },
    answerNext: () => waiting.shift()!.end('done'),
  };
}

function limits(overrides: Partial<CircuitBreakerThresholds>): Pick<Cluster, 'circuitBreakers'> {
  const thresholds = { ...testThresholds, ...overrides };
  return { circuitBreakers: { default: thresholds, high: thresholds } };
}

async function get(mesh: StaticMesh, path = '/'): Promise<string> {
  const { body } = await request(`http://reviews${path}`, { dispatcher: mesh.dispatcher });
  return await body.text();
}

function breakerOf(mesh: StaticMesh) {
  return mesh.internals.snapshots.current.clusters.get('reviews')!.state.breaker;
}

const until = (condition: () => unknown, wanted: unknown) =>
  expect.poll(condition, { timeout: 5000, interval: 2 }).toBe(wanted);

describe('one connection, one pending request, one request per connection', () => {
  const cluster = { ...limits({ maxConnections: 1, maxPendingRequests: 1 }), maxRequestsPerConnection: 1 };

  it('of three concurrent requests serves one, lets one wait and fails one at once', async () => {
    const server = await slowServer();
    const mesh = keep(staticMesh([server.port], { cluster }));
    const served = get(mesh);
    await until(() => server.waiting.length, 1);
    const waits = get(mesh);
    await expect(get(mesh)).rejects.toMatchObject({ reason: 'upstream_overflow', flag: 'UO', maybeSent: false });
    expect(breakerOf(mesh)).toMatchObject({ connections: 1, pendingRequests: 1, overflows: { pendingRequests: 1 } });
    expect(server.connections).toBe(1);
    server.answerNext();
    expect(await served).toBe('done');
    await until(() => server.waiting.length, 1);
    expect(server.connections).toBe(2);
    server.answerNext();
    expect(await waits).toBe('done');
    await until(() => breakerOf(mesh).connections, 0);
    expect(breakerOf(mesh).pendingRequests).toBe(0);
  });

  it('gives the turn of a request that was given up to the next one', async () => {
    const server = await slowServer();
    const mesh = keep(staticMesh([server.port], { cluster: { ...cluster, ...limits({ maxConnections: 1 }) } }));
    const first = get(mesh);
    await until(() => server.waiting.length, 1);
    const abort = new AbortController();
    const givenUp = request('http://reviews/', { dispatcher: mesh.dispatcher, signal: abort.signal });
    const last = get(mesh);
    abort.abort();
    await expect(givenUp).rejects.toMatchObject({ name: 'AbortError' });
    expect(breakerOf(mesh).pendingRequests).toBe(1);
    server.answerNext();
    await first;
    await until(() => server.waiting.length, 1);
    server.answerNext();
    expect(await last).toBe('done');
    expect(server.connections).toBe(2);
  });
});

describe('connections', () => {
  it('carry so many requests as they may, and no more', async () => {
    const seen: IncomingMessage['socket'][] = [];
    const server = keep(
      await httpServer((req, res) => {
        seen.push(req.socket);
        res.end();
      }),
    );
    const cluster = { ...limits({ maxConnections: 1 }), maxRequestsPerConnection: 3 };
    const mesh = keep(staticMesh([server.port], { cluster }));
    for (let i = 0; i < 9; i += 1) await get(mesh);
    const counts = [...new Set(seen)].map((socket) => seen.filter((one) => one === socket).length);
    expect(counts).toEqual([3, 3, 3]);
  });

  it('are limited for the cluster as a whole, and every endpoint may have one', async () => {
    const servers = await Promise.all([slowServer(), slowServer(), slowServer()]);
    const cluster = limits({ maxConnections: 2 });
    const mesh = keep(
      staticMesh(
        servers.map(({ port }) => port),
        { cluster },
      ),
    );
    const requests = Array.from({ length: 9 }, () => get(mesh));
    for (const server of servers) await until(() => server.waiting.length, 1);
    expect(breakerOf(mesh)).toMatchObject({ connections: 3, pendingRequests: 6 });
    for (let answered = 0; answered < 9; answered += 1) {
      const server = servers.find(({ waiting }) => waiting.length > 0);
      if (server === undefined) await new Promise(setImmediate);
      if (server === undefined) answered -= 1;
      else server.answerNext();
    }
    expect(await Promise.all(requests)).toEqual(Array(9).fill('done'));
    expect(servers.map(({ connections }) => connections)).toEqual([1, 1, 1]);
    expect(breakerOf(mesh)).toMatchObject({ connections: 3, pendingRequests: 0 });
  });

  it('go to those that have waited longest', async () => {
    const order: string[] = [];
    const waiting: ServerResponse[] = [];
    const server = keep(
      await httpServer((req, res) => {
        order.push(req.url!);
        waiting.push(res);
      }),
    );
    const mesh = keep(staticMesh([server.port], { cluster: limits({ maxConnections: 2 }) }));
    const breaker = breakerOf(mesh);
    breaker.connections += 1; // another endpoint's
    const requests = [get(mesh, '/1')];
    await until(() => order.length, 1);
    requests.push(get(mesh, '/2'));
    breaker.connections -= 1;
    requests.push(get(mesh, '/3'));
    await until(() => order.length, 2);
    waiting[0]!.end();
    await until(() => order.length, 3);
    for (const res of waiting) res.end();
    await Promise.all(requests);
    expect(order).toEqual(['/1', '/2', '/3']);
  });

  it('are used again, the one used last first', async () => {
    const server = await slowServer();
    const mesh = keep(staticMesh([server.port]));
    const both = [get(mesh), get(mesh)];
    await until(() => server.waiting.length, 2);
    server.answerNext();
    server.answerNext();
    await Promise.all(both);
    await new Promise(setImmediate);
    for (let i = 0; i < 5; i += 1) {
      const one = get(mesh);
      await until(() => server.waiting.length, 1);
      server.answerNext();
      await one;
      await new Promise(setImmediate); // undici gives a connection back a turn later
    }
    expect(server.connections).toBe(2);
  });

  it('are counted no more when the server closes them', async () => {
    const server = await slowServer();
    const mesh = keep(staticMesh([server.port]));
    const one = get(mesh);
    await until(() => server.waiting.length, 1);
    server.answerNext();
    await one;
    expect(breakerOf(mesh).connections).toBe(1);
    for (const socket of server.sockets) socket.destroy();
    await until(() => breakerOf(mesh).connections, 0);
  });

  it('are not made again for a request that was given up', async () => {
    const server = await slowServer();
    const mesh = keep(staticMesh([server.port]));
    const abort = new AbortController();
    const givenUp = request('http://reviews/', { dispatcher: mesh.dispatcher, signal: abort.signal });
    givenUp.catch(() => {});
    await until(() => server.waiting.length, 1);
    abort.abort();
    await until(() => server.sockets.size, 0);
    await until(() => breakerOf(mesh).connections, 0);
    expect(server.connections).toBe(1);
  });

  it('that fail to come up free their place', async () => {
    const cluster = limits({ maxConnections: 1 });
    const mesh = keep(staticMesh([await closedPort()], { cluster, retry: retryEverything }));
    await expect(Promise.all([get(mesh), get(mesh)])).rejects.toMatchObject({ reason: 'upstream_connection_failure' });
    await until(() => breakerOf(mesh).connections, 0);
    await until(() => breakerOf(mesh).pendingRequests, 0);
  });

  it('outlive a request that undici refuses', async () => {
    const server = keep(await httpServer((_req, res) => res.end('done')));
    const cluster = limits({ maxConnections: 1 });
    const mesh = keep(staticMesh([server.port], { cluster }));
    const refused = request('http://reviews/', { dispatcher: mesh.dispatcher, headers: { 'x-a': 'a\nb' } });
    await expect(refused).rejects.toMatchObject({ code: 'UND_ERR_INVALID_ARG' });
    expect(await get(mesh)).toBe('done');
  });

  it('older than they may be take no more requests', async () => {
    const server = keep(await httpServer((_req, res) => res.end('done')));
    let accepted = 0;
    server.server.on('connection', () => {
      accepted += 1;
    });
    const mesh = keep(staticMesh([server.port], { cluster: { maxConnectionDurationMs: 1 } }));
    for (let i = 0; i < 3; i += 1) {
      await get(mesh);
      const usedAt = performance.now();
      while (performance.now() - usedAt < 2) await new Promise(setImmediate);
    }
    expect(accepted).toBe(3);
  });

  it('are made anew, in peace, when the settings of their cluster change', async () => {
    const server = await slowServer();
    const mesh = keep(staticMesh([server.port]));
    const old = get(mesh);
    await until(() => server.waiting.length, 1);
    mesh.setCluster({ maxRequestsPerConnection: 1 });
    const later = get(mesh);
    await until(() => server.waiting.length, 2);
    expect(mesh.pools.size).toBe(1);
    server.answerNext();
    server.answerNext();
    expect(await Promise.all([old, later])).toEqual(['done', 'done']);
    await until(() => breakerOf(mesh).connections, 0);
    await until(() => server.sockets.size, 0);
  });

  it('are kept apart for the priorities of routes, each with its own limit', async () => {
    const server = await slowServer();
    const cluster = { circuitBreakers: { default: { ...testThresholds, maxConnections: 1 }, high: testThresholds } };
    const mesh = keep(staticMesh([server.port], { cluster, action: { priority: 'high' } }));
    const both = [get(mesh), get(mesh)];
    await until(() => server.waiting.length, 2);
    const { breaker, highPriorityBreaker } = mesh.internals.snapshots.current.clusters.get('reviews')!.state;
    expect([breaker.connections, highPriorityBreaker.connections]).toEqual([0, 2]);
    server.answerNext();
    server.answerNext();
    await Promise.all(both);
  });

  it('close in peace with those that wait for one', async () => {
    const server = await slowServer();
    const mesh = staticMesh([server.port], { cluster: limits({ maxConnections: 1 }) });
    const both = [get(mesh), get(mesh)];
    await until(() => server.waiting.length, 1);
    const closed = mesh.close();
    server.answerNext();
    await until(() => server.waiting.length, 1);
    server.answerNext();
    expect(await Promise.all(both)).toEqual(['done', 'done']);
    await closed;
    await until(() => server.sockets.size, 0);
  });

  it('that still come up for a request that was given up hold up no close', async () => {
    const connect = vi.spyOn(Socket.prototype, 'connect').mockReturnThis();
    const mesh = staticMesh([9]);
    const abort = new AbortController();
    const givenUp = request('http://reviews/', { dispatcher: mesh.dispatcher, signal: abort.signal });
    await until(() => connect.mock.calls.length, 1);
    abort.abort();
    await expect(givenUp).rejects.toMatchObject({ name: 'AbortError' });
    await mesh.close();
    expect(connect.mock.contexts[0]).toMatchObject({ destroyed: true });
    expect(breakerOf(mesh).connections).toBe(0);
    connect.mockRestore();
  });

  it('fail those that wait when they are destroyed', async () => {
    const server = await slowServer();
    const mesh = keep(staticMesh([server.port], { cluster: limits({ maxConnections: 1 }) }));
    const both = [get(mesh), get(mesh)];
    for (const one of both) one.catch(() => {});
    await until(() => server.waiting.length, 1);
    const cut = once(server.waiting[0]!, 'close');
    await mesh.pools.destroy();
    for (const one of both) await expect(one).rejects.toMatchObject({ name: 'MeshError' });
    await cut;
    expect(breakerOf(mesh)).toMatchObject({ connections: 0, pendingRequests: 0, requests: 0 });
  });

  it('are kept as long as the cluster says, where the server does not say otherwise', async () => {
    const server = await slowServer();
    const mesh = keep(staticMesh([server.port], { cluster: { connectionIdleTimeoutMs: 20 } }));
    const one = get(mesh);
    await until(() => server.waiting.length, 1);
    server.answerNext();
    await one;
    await until(() => breakerOf(mesh).connections, 0);
    await until(() => server.sockets.size, 0);
  });
});
