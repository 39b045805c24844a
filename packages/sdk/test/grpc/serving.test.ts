import * as grpc from '@grpc/grpc-js';
import { HeaderList, MeshError } from '@inmesh/core';
import { describe, expect, it } from 'vitest';
import { inboundCalls } from '../../src/server/context.js';
import { InboundCall } from '../../src/server/inbound-call.js';
import type { StaticMesh } from '../support/static-mesh.js';
import type { TestClient } from './interop-service.js';
import { begin, gate } from './server-support.js';
import { clientOf, startMesh, startServer, unary } from './support.js';

/** A request that a handler of this process is answering. */
function incoming({ internals }: StaticMesh, headers: readonly (readonly [string, string])[] = []): InboundCall {
  return new InboundCall({
    protocol: 'grpc',
    scheme: 'http',
    authority: 'productpage',
    method: 'POST',
    path: '/',
    headers: HeaderList.of(headers),
    snapshot: internals.snapshots.current,
    startedAt: internals.clock.now(),
  });
}

/** So that a short deadline is not spent on it. */
function connectOf(client: TestClient): Promise<unknown> {
  return new Promise((resolve) => client.EmptyCall({}, new grpc.Metadata(), {}, resolve));
}

describe('a gRPC call of a handler', () => {
  it('has the deadline of the request that it serves', async () => {
    const server = await startServer({ unary: () => new Promise(() => {}) });
    const mesh = startMesh([server]);
    const client = clientOf(mesh);
    await connectOf(client);
    const inbound = incoming(mesh);
    inbound.deadline = mesh.internals.clock.now() + 60;
    const { error } = await inboundCalls.run(inbound, () => unary(client));
    expect(error?.code).toBe(grpc.status.DEADLINE_EXCEEDED);
    await server.untilCancelled(1);
  });

  it('keeps its own deadline where that is sooner', async () => {
    const server = await startServer({ unary: () => new Promise(() => {}) });
    const mesh = startMesh([server]);
    const inbound = incoming(mesh);
    inbound.deadline = mesh.internals.clock.now() + 60_000;
    const { error } = await inboundCalls.run(inbound, () => unary(clientOf(mesh), {}, { deadline: Date.now() + 40 }));
    expect(error?.code).toBe(grpc.status.DEADLINE_EXCEEDED);
  });

  it('carries its trace on', async () => {
    const server = await startServer();
    const mesh = startMesh([server]);
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const inbound = incoming(mesh, [
      ['traceparent', traceparent],
      ['x-request-id', 'abc'],
      ['cookie', 'secret'],
    ]);
    await inboundCalls.run(inbound, () => unary(clientOf(mesh)));
    const sent = server.metadata[0]!.getMap();
    expect(sent).toMatchObject({ traceparent, 'x-request-id': 'abc' });
    expect(sent).not.toHaveProperty('cookie');
  });

  it('ends with it', async () => {
    const server = await startServer({ unary: () => new Promise(() => {}) });
    const mesh = startMesh([server]);
    const inbound = incoming(mesh);
    const result = inboundCalls.run(inbound, () => unary(clientOf(mesh)));
    await server.untilSeen(1);
    inbound.cancel(new MeshError('caller_cancelled', { message: 'the client went away' }));
    expect((await result).error).toMatchObject({ code: grpc.status.CANCELLED, details: 'the client went away' });
    await server.untilCancelled(1);
  });

  it('is not begun when it has ended already', async () => {
    const server = await startServer();
    const mesh = startMesh([server]);
    const inbound = incoming(mesh);
    inbound.cancel(new MeshError('caller_cancelled', { message: 'the client went away' }));
    const { error } = await inboundCalls.run(inbound, () => unary(clientOf(mesh)));
    expect([error?.code, server.seen]).toEqual([grpc.status.CANCELLED, []]);
  });

  it('ends with the call of a grpc-js server that is its parent', async () => {
    const leaf = await startServer({ unary: () => new Promise(() => {}) });
    const mesh = startMesh([leaf]);
    const client = clientOf(mesh);
    let tellOutcome!: (code: number | undefined) => void;
    const outcome = new Promise<number | undefined>((resolve) => {
      tellOutcome = resolve;
    });
    const middle = await startServer({
      unary: (parent) =>
        new Promise((resolve) => {
          client.UnaryCall({}, new grpc.Metadata(), { parent }, (error) => {
            tellOutcome(error?.code);
            resolve(undefined);
          });
        }),
    });
    const front = clientOf(startMesh([middle]));
    await Promise.all([connectOf(front), connectOf(client)]);
    const { error } = await unary(front, {}, { deadline: Date.now() + 80 });
    expect(error?.code).toBe(grpc.status.DEADLINE_EXCEEDED);
    await leaf.untilCancelled(1);
    expect([1, 4]).toContain(await outcome);
  });

  it('ends with its parent, one of many, and is not begun after it', async () => {
    const leaf = await startServer({ unary: () => new Promise(() => {}) });
    const client = clientOf(startMesh([leaf]));
    const listeners: number[] = [];
    const codes: (number | undefined)[] = [];
    const told = gate();
    const middle = await startServer({
      unary: async (parent) => {
        const callLeaf = () =>
          client.UnaryCall({}, new grpc.Metadata(), { parent }, (error) => {
            codes.push(error?.code);
            if (codes.length === 31) told.open();
          });
        const before = parent.listenerCount('cancelled');
        for (let i = 0; i < 30; i += 1) callLeaf();
        listeners.push(parent.listenerCount('cancelled') - before);
        parent.on('cancelled', () => setImmediate(callLeaf));
        return new Promise(() => {});
      },
    });
    const call = begin(clientOf(startMesh([middle])), 'UnaryCall');
    await leaf.untilSeen(30);
    call.cancel();
    await told.passed;
    expect(listeners).toEqual([1]);
    expect(codes).toEqual(Array.from({ length: 31 }, () => grpc.status.CANCELLED));
    expect(leaf.seen).toHaveLength(30);
  });
});
