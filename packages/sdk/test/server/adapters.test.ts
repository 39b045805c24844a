import { once } from 'node:events';
import { Agent, type IncomingMessage } from 'node:http';
import { type Call, MeshError } from '@inmesh/core';
import { testCall } from '@inmesh/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { currentInbound } from '../../src/server/current-call.js';
import { adapters, listen, type TestHandler } from './adapters.js';
import { send, start } from './client.js';
import { type TestInternals, testInternals } from './internals.js';
import { RecordingTelemetry } from './recording-telemetry.js';

describe.each(adapters)('requests served by $name', ({ create, foreignErrorBody }) => {
  let telemetry: RecordingTelemetry;
  let internals: TestInternals;
  let close: (() => Promise<void>)[];

  beforeEach(() => {
    telemetry = new RecordingTelemetry();
    internals = testInternals({ telemetry: [telemetry] });
    close = [];
  });

  afterEach(async () => {
    for (const one of close) await one();
  });

  async function serve(handler: TestHandler): Promise<number> {
    const created = await create(internals, handler);
    const port = await listen(created.server);
    close.push(async () => {
      created.server.closeAllConnections();
      await (created.close?.() ?? new Promise<void>((resolve) => created.server.close(() => resolve())));
    });
    return port;
  }

  describe('the context', () => {
    it('is the request, as it came', async () => {
      const port = await serve(async () => {
        const { protocol, scheme, authority, method, path, headers, startedAt, snapshot } = currentInbound()!;
        const current = snapshot === internals.snapshots.current;
        return JSON.stringify({
          protocol,
          scheme,
          authority,
          method,
          path,
          user: headers.get('x-user'),
          startedAt,
          current,
        });
      });
      const { body } = await send(port, {
        path: '/a/b?c=%20d',
        method: 'PUT',
        headers: { Host: 'Reviews:80', 'X-User': 'Ann' },
      });
      expect(JSON.parse(body)).toEqual({
        protocol: 'http',
        scheme: 'http',
        authority: 'reviews:80',
        method: 'PUT',
        path: '/a/b?c=%20d',
        user: 'Ann',
        startedAt: 1000,
        current: true,
      });
    });

    it('is there across awaits, timers and promises', async () => {
      const seen: unknown[] = [];
      const port = await serve(async () => {
        const look = () => seen.push(currentInbound()?.path);
        look();
        await undefined;
        look();
        await new Promise<void>((resolve) => setTimeout(() => resolve(void look()), 0));
        await Promise.all([Promise.resolve().then(look), new Promise(setImmediate).then(look)]);
        process.nextTick(look);
        await new Promise(setImmediate);
        look();
        return 'ok';
      });
      await send(port, { path: '/here' });
      expect(seen).toEqual(Array(7).fill('/here'));
      expect(currentInbound()).toBeUndefined();
    });

    it('is there after a body has been read', async () => {
      const port = await serve(async () => `${currentInbound()?.path} ${telemetry.context.getStore()?.path}`);
      const headers = { 'content-type': 'text/plain' };
      expect((await send(port, { path: '/post', method: 'POST', body: 'x'.repeat(100_000), headers })).body).toBe(
        '/post /post',
      );
    });

    it('lies inside the contexts of the listeners', async () => {
      const port = await serve(async () => String(telemetry.context.getStore() === currentInbound()));
      expect((await send(port)).body).toBe('true');
    });

    it('is not mixed up between two requests at once', async () => {
      let arrived = 0;
      let bothArrived = () => {};
      const both = new Promise<void>((resolve) => {
        bothArrived = resolve;
      });
      const port = await serve(async () => {
        arrived += 1;
        if (arrived === 2) bothArrived();
        await both;
        return currentInbound()?.path;
      });
      const answers = await Promise.all([send(port, { path: '/one' }), send(port, { path: '/two' })]);
      expect(answers.map(({ body }) => body)).toEqual(['/one', '/two']);
    });
  });

  describe('a deadline', () => {
    it('is read from the headers', async () => {
      const port = await serve(async () => String(currentInbound()?.deadline));
      expect((await send(port, { headers: { 'grpc-timeout': '250m' } })).body).toBe('1250');
      expect((await send(port)).body).toBe('Infinity');
    });

    it('cancels the call and its children when it has passed, and the handler answers for it', async () => {
      const port = await serve(() => {
        const waiting = child();
        internals.clock.advance(249);
        expect(waiting.call.cancelled).toBeUndefined();
        internals.clock.advance(1);
        return waiting.answer;
      });
      const { status, body } = await send(port, { headers: { 'x-envoy-expected-rq-timeout-ms': '250' } });
      expect(status).toBe(504);
      expect(body).toBe("deadline_exceeded (DT): the caller's deadline has passed");
      expect(await telemetry.untilEnded(1)).toMatchObject([
        { httpStatus: 504, error: { reason: 'deadline_exceeded' } },
      ]);
    });

    it('leaves no timer behind when the answer was in time', async () => {
      const port = await serve(async () => 'in time');
      await send(port, { headers: { 'x-envoy-expected-rq-timeout-ms': '250' } });
      await telemetry.untilEnded(1);
      expect(internals.clock.pendingTimers).toBe(0);
    });
  });

  describe('a client that goes away', () => {
    it('cancels the call and its children', async () => {
      let arrived = (_: Call) => {};
      const calling = new Promise<Call>((resolve) => {
        arrived = resolve;
      });
      const port = await serve(() => {
        const waiting = child();
        arrived(waiting.call);
        return waiting.answer;
      });
      const request = start(port, {});
      request.on('error', () => {});
      const call = await calling;
      request.destroy();
      expect(await telemetry.untilEnded(1)).toMatchObject([{ httpStatus: 0, error: { reason: 'caller_cancelled' } }]);
      expect(call.cancelled?.reason).toBe('caller_cancelled');
      expect(telemetry.started[0]?.call.cancelled).toBe(call.cancelled);
      expect(internals.errors).toEqual([]);
    });

    it('is told with the status that it has seen', async () => {
      const port = await serve(async (_req, res) => {
        res.writeHead(206);
        res.write('the first half');
        return new Promise(() => {});
      });
      const request = start(port, {});
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      response.on('error', () => {});
      response.destroy();
      expect(await telemetry.untilEnded(1)).toMatchObject([{ httpStatus: 206, error: { reason: 'caller_cancelled' } }]);
    });
  });

  describe('an error of the mesh', () => {
    const error = () =>
      new MeshError('no_healthy_upstream', { message: 'no endpoint is healthy', cluster: 'reviews', attempts: 2 });

    it.each([
      ['as it is', error],
      ["inside fetch's TypeError", () => new TypeError('fetch failed', { cause: error() })],
    ])('is answered with its status, reason and text: %s', async (_, make) => {
      const port = await serve(async (_req, res) => {
        res.setHeader('content-type', 'application/json');
        throw make();
      });
      const { status, headers, body } = await send(port);
      expect(status).toBe(503);
      expect(headers).toMatchObject({
        'content-type': 'text/plain; charset=utf-8',
        'x-inmesh-reason': 'no_healthy_upstream',
      });
      expect(body).toBe('no_healthy_upstream (UH): no endpoint is healthy; cluster reviews; attempts 2');
      expect(await telemetry.untilEnded(1)).toMatchObject([{ httpStatus: 503, error: undefined }]);
      expect(internals.errors).toEqual([]);
    });
  });

  it('answers any other error as the server at hand does', async () => {
    const port = await serve(async () => {
      throw new Error('a secret');
    });
    const { status, headers, body } = await send(port);
    expect({ status, body }).toEqual({ status: 500, body: foreignErrorBody });
    expect(headers).not.toHaveProperty('x-inmesh-reason');
    expect(await telemetry.untilEnded(1)).toMatchObject([{ httpStatus: 500 }]);
  });

  describe('telemetry', () => {
    it('is told once of the start and once of the end', async () => {
      const port = await serve(async (_req, res) => {
        res.statusCode = 201;
        return currentInbound()?.path;
      });
      await send(port, { path: '/made' });
      await telemetry.untilEnded(1);
      await send(port, { path: '/again' });
      expect(telemetry.started.map(({ call, side }) => [call.path, side])).toEqual([
        ['/made', 'server'],
        ['/again', 'server'],
      ]);
      const ends = await telemetry.untilEnded(2);
      expect(ends).toEqual(Array(2).fill({ httpStatus: 201, grpcStatus: undefined, error: undefined, durationMs: 0 }));
    });

    it('is told of a streamed answer when it has ended', async () => {
      const port = await serve(async (_req, res) => {
        for (const chunk of ['a', 'b', 'c']) {
          res.write(chunk);
          await new Promise(setImmediate);
          internals.clock.advance(10);
        }
        expect(telemetry.ended).toEqual([]);
        res.end();
        return undefined;
      });
      expect((await send(port)).body).toBe('abc');
      expect(await telemetry.untilEnded(1)).toMatchObject([{ httpStatus: 200, error: undefined, durationMs: 30 }]);
    });
  });

  it('leaves no listener on a connection that serves many requests', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    const counts: Record<string, number>[] = [];
    const port = await serve(async ({ socket }) => {
      counts.push(Object.fromEntries(socket.eventNames().map((name) => [String(name), socket.listenerCount(name)])));
      return 'ok';
    });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let i = 0; i < 50; i += 1) await send(port, { agent });
    agent.destroy();
    await new Promise(setImmediate); // warnings are told on the next turn
    process.off('warning', onWarning);
    expect(counts).toHaveLength(50);
    expect(counts.at(-1)).toEqual(counts[0]);
    expect(warnings).toEqual([]);
  });
});

/** An outgoing call of the handler that never ends by itself, and what the handler then fails with. */
function child(): { call: Call; answer: Promise<never> } {
  const call = testCall();
  const answer = new Promise<never>((_, reject) => {
    call.interrupt = reject;
  });
  currentInbound()!.adopt(call);
  return { call, answer };
}
