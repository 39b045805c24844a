import * as grpc from '@grpc/grpc-js';
import { testRetryPolicy } from '@inmesh/core/testing';
import { describe, expect, it } from 'vitest';
import { meshFetch } from '../../src/http/fetch.js';
import { currentInbound } from '../../src/server/current-call.js';
import type { StaticMesh } from '../support/static-mesh.js';
import { httpServer } from '../support/test-server.js';
import { type OutputRequest, payload, type TestClient } from './interop-service.js';
import { begin, gate, type Handlers, handlersOfAllKinds, kinds, serve } from './server-support.js';
import { clientOf, keep, metadataOf, startMesh, startServer, unary } from './support.js';

interface Hop {
  readonly port: number;
}

/** A server whose handlers call `next` by the mesh, and answer with the status that came of it. */
async function hop(next: Hop, options: Parameters<typeof startMesh>[1] = {}): Promise<Hop & { mesh: StaticMesh }> {
  const mesh = startMesh([next], options);
  const client = clientOf(mesh);
  const handlers = handlersOfAllKinds((call, answer) => {
    void unary(client).then(({ status }) => answer(status));
    // So that no client's stream waits for its end.
    (call as unknown as { resume?(): void }).resume?.();
  });
  const { port } = await serve(handlers, { interceptors: [mesh.grpc.serverInterceptor()] });
  return { port, mesh };
}

describe('a call made by a handler', () => {
  it.each(kinds)('of a %s has the deadline of the first client, three hops on', async (kind) => {
    const seen = gate<number>();
    const leaf = await startServer({
      unary: async (call) => {
        seen.open(Number(call.getDeadline()));
        return undefined;
      },
    });
    const front = clientOf(startMesh([await hop(await hop(leaf))]));
    const deadline = Date.now() + 60_000;
    expect((await begin(front, kind, { deadline }).ended).code).toBe(grpc.status.OK);
    expect(Math.abs((await seen.passed) - deadline)).toBeLessThan(5000);
  });

  it('over HTTP has what is left of the deadline', async () => {
    const seen = gate<string | undefined>();
    const upstream = keep(
      await httpServer((req, res) => {
        seen.open(String(req.headers['x-envoy-expected-rq-timeout-ms']));
        res.end('ok');
      }),
    );
    const mesh = startMesh([upstream]);
    const fetch = meshFetch(mesh.dispatcher);
    const server = await serve(
      handlersOfAllKinds((_call, answer) => {
        void fetch('http://reviews/').then(({ status }) => answer({ code: 0, details: String(status) }));
      }),
      { interceptors: [mesh.grpc.serverInterceptor()] },
    );
    const { code } = await begin(clientOf(startMesh([server])), 'UnaryCall', { deadline: Date.now() + 60_000 }).ended;
    const leftMs = Number(await seen.passed);
    expect([code, leftMs > 55_000, leftMs <= 60_000]).toEqual([0, true, true]);
  });

  it.each(kinds)('of a %s ends with the first client’s call, three hops on', async (kind) => {
    const leaf = await startServer({ unary: () => new Promise(() => {}) });
    const front = clientOf(startMesh([await hop(await hop(leaf))]));
    const call = begin(front, kind);
    await leaf.untilSeen(1);
    call.cancel();
    expect((await call.ended).code).toBe(grpc.status.CANCELLED);
    await leaf.untilCancelled(1);
  });

  it.each(kinds)('of a %s ends at the first client’s deadline, three hops on', async (kind) => {
    const leaf = await startServer({ unary: () => new Promise(() => {}) });
    const front = clientOf(startMesh([await hop(await hop(leaf))]));
    // While connections come up, or the machine is busy, a call may be late before it has got through.
    while (leaf.seen.length === 0) {
      const { code } = await begin(front, kind, { deadline: Date.now() + 100 }).ended;
      expect(code).toBe(grpc.status.DEADLINE_EXCEEDED);
    }
    await leaf.untilCancelled(1);
  });

  it('carries the trace on, and nothing that was meant for its own server alone', async () => {
    const leaf = await startServer();
    const middle = await hop(leaf);
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const front = clientOf(startMesh([middle]));
    await unary(front, {}, { metadata: { traceparent, 'x-request-id': 'abc', cookie: 'secret' } });
    expect(leaf.metadata[0]!.getMap()).toMatchObject({ traceparent, 'x-request-id': 'abc' });
    expect(leaf.metadata[0]!.get('cookie')).toEqual([]);
  });

  it('is its own call’s, however many there are at once', async () => {
    const leaf = await startServer();
    const mesh = startMesh([leaf]);
    const client = clientOf(mesh);
    const mixed: string[] = [];
    const server = await serve(
      handlersOfAllKinds((call, answer) => {
        const id = String(call.metadata.get('x-request-id')[0]);
        const check = () => {
          if (currentInbound()?.headers.get('x-request-id') !== id) mixed.push(id);
        };
        setImmediate(async () => {
          check();
          await unary(client, {}, { metadata: { expected: id } });
          check();
          await new Promise((resolve) => setTimeout(resolve, Number(id) % 7));
          check();
          answer({ code: 0 });
        });
      }),
      { interceptors: [mesh.grpc.serverInterceptor()] },
    );
    const front = clientOf(startMesh([server]));
    const ids = Array.from({ length: 100 }, (_, i) => String(i));
    await Promise.all(
      ids.map((id, i) => begin(front, kinds[i % kinds.length]!, { metadata: { 'x-request-id': id } }).ended),
    );
    const ofLeaf = leaf.metadata.map((metadata) => [metadata.get('expected')[0], metadata.get('x-request-id')[0]]);
    expect(mixed).toEqual([]);
    expect(ofLeaf.filter(([expected, own]) => expected !== own)).toEqual([]);
    expect(new Set(ofLeaf.map(([, own]) => own)).size).toBe(100);
  });
});

describe('every event of a stream', () => {
  /** Two calls on one connection, each of which notes the call that its listeners find themselves in. */
  async function listenTo(
    listenersOf: (note: (event: string) => void, id: string) => Handlers,
    use: (client: TestClient, id: string) => Promise<unknown>,
  ): Promise<Record<string, string[]>> {
    const noted: Record<string, string[]> = { 1: [], 2: [] };
    const note = (id: string) => (event: string) => {
      const found = currentInbound()?.headers.get('x-request-id');
      noted[id]!.push(`${event} of ${found}`);
    };
    const handlers = ({ metadata }: { readonly metadata: grpc.Metadata }): Handlers => {
      const id = String(metadata.get('x-request-id')[0]);
      return listenersOf(note(id), id);
    };
    const server = await serve(
      {
        StreamingInputCall: (call, callback) => handlers(call).StreamingInputCall!(call, callback),
        StreamingOutputCall: (call) => handlers(call).StreamingOutputCall!(call),
        FullDuplexCall: (call) => handlers(call).FullDuplexCall!(call),
      },
      { interceptors: [startMesh([]).grpc.serverInterceptor()] },
    );
    const client = clientOf(startMesh([server]));
    await Promise.all(['1', '2'].map((id) => use(client, id)));
    return noted;
  }

  const own = (events: string[]) => ({
    '1': events.map((event) => `${event} of 1`),
    '2': events.map((event) => `${event} of 2`),
  });

  it('of a client’s messages finds its call', async () => {
    const noted = await listenTo(
      (note) => ({
        StreamingInputCall: (call, callback) => {
          call.on('data', () => note('data'));
          call.on('end', () => {
            note('end');
            callback(null, { aggregated_payload_size: 0 });
          });
        },
      }),
      (client, id) =>
        new Promise((resolve) => {
          const call = client.StreamingInputCall(metadataOf({ 'x-request-id': id }), {}, resolve);
          call.write({ payload: payload(1) });
          setImmediate(() => {
            call.write({ payload: payload(2) });
            call.end();
          });
        }),
    );
    expect(noted).toEqual(own(['data', 'data', 'end']));
  });

  it('of messages both ways finds its call, that it has written too', async () => {
    const noted = await listenTo(
      (note) => ({
        FullDuplexCall: (call) => {
          call.on('data', () => {
            note('data');
            const isRoomLeft = call.write({ payload: payload(2_000_000) });
            if (!isRoomLeft) call.once('drain', () => note('drain'));
            for (let i = 0; i < 16; i += 1) call.write({ payload: payload(1) });
          });
          call.on('end', () => call.end());
          call.on('finish', () => note('finish'));
        },
      }),
      (client, id) =>
        new Promise((resolve) => {
          const call = client.FullDuplexCall(metadataOf({ 'x-request-id': id }));
          call.write({} satisfies OutputRequest);
          let received = 0;
          call.on('data', () => {
            received += 1;
            if (received === 17) call.end();
          });
          call.on('status', resolve);
        }),
    );
    for (const id of ['1', '2'] as const) {
      expect(new Set(noted[id]!.map((line) => line.split(' of ')[1]))).toEqual(new Set([id]));
      expect(noted[id]).toContain(`finish of ${id}`);
    }
  });

  it('of its cancellation finds its call', async () => {
    const cancelled = [gate(), gate()];
    const begun = [gate(), gate()];
    const noted = await listenTo(
      (note, id) => ({
        StreamingOutputCall: (call) => {
          begun[Number(id) - 1]!.open();
          call.on('cancelled', () => {
            note('cancelled');
            cancelled[Number(id) - 1]!.open();
          });
        },
      }),
      async (client, id) => {
        const call = begin(client, 'StreamingOutputCall', { metadata: { 'x-request-id': id } });
        await begun[Number(id) - 1]!.passed;
        call.cancel();
        await cancelled[Number(id) - 1]!.passed;
      },
    );
    expect(noted).toEqual(own(['cancelled']));
  });
});

describe('of several tiers one retries', () => {
  const retry = testRetryPolicy({
    on: new Set(['unavailable'] as const),
    attempts: 2,
    backoff: { baseMs: 1, maxMs: 2 },
  });
  const unavailable = { code: grpc.status.UNAVAILABLE, details: 'down' };

  it('what was retried in vain further down is told so, and not retried again', async () => {
    const leaf = await startServer({ unary: async () => unavailable });
    const middle = await hop(leaf, { retry });
    const { error } = await unary(clientOf(startMesh([middle], { retry })));
    expect(error).toMatchObject({ code: grpc.status.UNAVAILABLE });
    expect(error!.metadata.get('x-inmesh-no-retry')).toEqual(['1']);
    expect(leaf.seen).toHaveLength(3);
  });

  it.each(['x-envoy-attempt-count', 'grpc-previous-rpc-attempts'])(
    'a retry, by its %s, leaves retrying to its caller',
    async (name) => {
      const leaf = await startServer({ unary: async () => unavailable });
      const middle = await hop(leaf, { retry });
      await unary(clientOf(startMesh([middle])), {}, { metadata: { [name]: '2' } });
      expect(leaf.seen).toHaveLength(1);
      expect(leaf.metadata[0]!.get('x-inmesh-no-retry')).toEqual(['1']);
    },
  );
});
