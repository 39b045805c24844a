import { once } from 'node:events';
import { Agent, createServer as createHttpServer, type IncomingMessage, type Server } from 'node:http';
import http2 from 'node:http2';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { MeshError } from '@inmesh/core';
import express from 'express';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { currentInbound } from '../../src/server/current-call.js';
import { expressMiddleware } from '../../src/server/express.js';
import { createServer, type HttpHandler, wrapHandler } from '../../src/server/node-http.js';
import { listen } from './adapters.js';
import { send, start } from './client.js';
import { type TestInternals, testInternals } from './internals.js';
import { RecordingTelemetry } from './recording-telemetry.js';

let telemetry: RecordingTelemetry;
let internals: TestInternals;
let servers: Server[];

beforeEach(() => {
  telemetry = new RecordingTelemetry();
  internals = testInternals({ telemetry: [telemetry] });
  servers = [];
});

afterEach(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

function serve(handler: HttpHandler): Promise<number> {
  return listenOn(createServer(internals, handler));
}

function listenOn(server: Server): Promise<number> {
  servers.push(server);
  return listen(server);
}

const noRoute = () => new MeshError('no_route', { message: 'no route matches' });

describe('a handler that throws at once', () => {
  it('is answered like one that rejects', async () => {
    const port = await serve(() => {
      throw noRoute();
    });
    expect(await send(port)).toMatchObject({ status: 404, body: 'no_route (NR): no route matches' });
  });

  it('is logged, and the client is told nothing', async () => {
    const failure = new Error('a secret');
    const port = await serve(() => {
      throw failure;
    });
    expect(await send(port, { path: '/x' })).toMatchObject({ status: 500, body: 'internal error' });
    const fields = { method: 'GET', path: '/x', error: failure };
    expect(internals.errors).toEqual([{ message: 'a request handler failed', fields }]);
  });

  it.each([undefined, null, 'text', Object.create(null)])('may throw anything: %o', async (thrown) => {
    const port = await serve(() => {
      throw thrown;
    });
    expect(await send(port)).toMatchObject({ status: 500, body: 'internal error' });
  });
});

it('headers of the answer that was meant to go out do not go with an error', async () => {
  const port = await serve((_req, res) => {
    res.writeProcessing();
    res.setHeader('content-length', '3');
    res.setHeader('content-encoding', 'gzip');
    res.setHeader('etag', '"a"');
    res.setHeader('access-control-allow-origin', '*');
    throw noRoute();
  });
  const { headers, body } = await send(port);
  expect(body).toBe('no_route (NR): no route matches');
  expect(headers).toMatchObject({ 'content-length': String(body.length), 'access-control-allow-origin': '*' });
  expect(headers).not.toHaveProperty('content-encoding');
  expect(headers).not.toHaveProperty('etag');
});

it('an error in the middle of an answer cuts the connection, and is told as the reason', async () => {
  const port = await serve(async (_req, res) => {
    res.write('half');
    await new Promise(setImmediate);
    throw noRoute();
  });
  const [response] = (await once(start(port, {}), 'response')) as [IncomingMessage];
  await expect(Readable.from(response).toArray()).rejects.toMatchObject({ code: 'ECONNRESET' });
  expect(await telemetry.untilEnded(1)).toMatchObject([{ httpStatus: 200, error: { reason: 'no_route' } }]);
});

it('a source that breaks while it is streamed is told as internal and logged', async () => {
  const port = await serve(async (_req, res) => {
    res.write('half');
    const source = Readable.from(
      (async function* () {
        yield 'more';
        throw new Error('the disk is gone');
      })(),
    );
    await pipeline(source, res);
  });
  const [response] = (await once(start(port, {}), 'response')) as [IncomingMessage];
  await expect(Readable.from(response).toArray()).rejects.toMatchObject({ code: 'ECONNRESET' });
  expect(await telemetry.untilEnded(1)).toMatchObject([{ error: { reason: 'internal', message: 'the disk is gone' } }]);
  expect(internals.errors).toMatchObject([{ fields: { error: { message: 'the disk is gone' } } }]);
});

it('an error after a complete answer leaves it whole', async () => {
  const port = await serve((_req, res) => {
    res.end('whole');
    throw new Error('too late');
  });
  expect(await send(port)).toMatchObject({ status: 200, body: 'whole' });
  expect(internals.errors).toHaveLength(1);
});

it('a listener that throws at the start fails its request and no other', async () => {
  internals = testInternals({ telemetry: [{ callStarted: failOnce(telemetry) }] });
  const port = await serve((_req, res) => void res.end('ok'));
  expect(await send(port)).toMatchObject({ status: 500, body: 'internal error' });
  expect(await send(port)).toMatchObject({ status: 200, body: 'ok' });
});

it('a status that is none is answered as 500', async () => {
  const port = await serve(() => {
    throw new MeshError('fault_injected', { httpStatus: 0 });
  });
  expect(await send(port)).toMatchObject({ status: 500, body: 'fault_injected (FI): fault injected' });
});

it('a pipelined request that waits for its turn is cancelled with its connection', async () => {
  let arrivedLast = () => {};
  const arrived = new Promise<void>((resolve) => {
    arrivedLast = resolve;
  });
  const port = await serve((req) => {
    if (req.url === '/11') req.resume().on('end', arrivedLast);
  });
  const socket = connect(port, '127.0.0.1');
  const requests = Array.from({ length: 12 }, (_, i) => `GET /${i} HTTP/1.1\r\nHost: reviews\r\n\r\n`);
  socket.write(requests.join(''));
  await arrived;
  socket.destroy();
  const ends = await telemetry.untilEnded(12);
  expect(ends.map(({ httpStatus, error }) => [httpStatus, error?.reason])).toEqual(
    Array(12).fill([0, 'caller_cancelled']),
  );
});

it('a request whose client has gone before the adapter sees it is cancelled from the start', async () => {
  const wrapped = wrapHandler({ internals }, () => {});
  let arrivedFirst = () => {};
  const arrived = new Promise<void>((resolve) => {
    arrivedFirst = resolve;
  });
  const port = await listenOn(
    createHttpServer((req, res) => {
      res.on('close', () => setImmediate(() => wrapped(req, res)));
      arrivedFirst();
    }),
  );
  const request = start(port, {});
  request.on('error', () => {});
  await arrived;
  request.destroy();
  expect(await telemetry.untilEnded(1)).toMatchObject([{ httpStatus: 0, error: { reason: 'caller_cancelled' } }]);
  expect(telemetry.started[0]?.call.cancelled?.reason).toBe('caller_cancelled');
});

it('pipelined requests are answered and told one by one', async () => {
  const port = await serve((_req, res) => void res.end(currentInbound()?.path));
  const socket = connect(port, '127.0.0.1');
  socket.write('GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  const text = (await socket.toArray()).join('');
  expect([text.indexOf('/a') > 0, text.indexOf('/b') > text.indexOf('/a')]).toEqual([true, true]);
  expect(await telemetry.untilEnded(2)).toMatchObject([{ error: undefined }, { error: undefined }]);
});

describe('the path', () => {
  it.each([
    ['//double', '//double'],
    ['http://reviews/a?b', '/a?b'],
    ['http://reviews', '/'],
    ['http://reviews?x=1', '/?x=1'],
    ['*', '/'],
  ])('of the request target %s is %s', async (target, path) => {
    const port = await serve((_req, res) => void res.end(currentInbound()?.path));
    expect((await send(port, { path: target, method: 'OPTIONS' })).body).toBe(path);
  });
});

it('HTTP/2 through its compatibility layer is served and cancelled in the same way', async () => {
  const wrapped = wrapHandler({ internals }, async (req, res) => {
    const { authority, path, headers } = currentInbound()!;
    if (req.url !== '/hang')
      res.end(JSON.stringify({ authority, path, names: headers.flat.filter((_, i) => i % 2 === 0) }));
    else res.write('half');
  });
  const server = http2.createServer(wrapped as never);
  const port = await listen(server as never);
  const session = http2.connect(`http://127.0.0.1:${port}`);
  const answered = session.request({ ':path': '/a', 'x-user': 'ann' });
  expect(JSON.parse((await answered.setEncoding('utf8').toArray()).join(''))).toEqual({
    authority: `127.0.0.1:${port}`,
    path: '/a',
    names: ['x-user'],
  });
  const hanging = session.request({ ':path': '/hang' });
  await once(hanging, 'response');
  hanging.close(http2.constants.NGHTTP2_CANCEL);
  const ends = await telemetry.untilEnded(2);
  expect(ends.map(({ httpStatus, error }) => [httpStatus, error?.reason])).toEqual([
    [200, undefined],
    [200, 'caller_cancelled'],
  ]);
  session.destroy();
  server.close();
});

it('content of type application/grpc makes a gRPC call', async () => {
  const port = await serve((_req, res) => void res.end(currentInbound()?.protocol));
  expect((await send(port, { headers: { 'content-type': 'application/grpc+proto' } })).body).toBe('grpc');
});

it('wrapHandler serves a server that exists already, and middleware behind it adds no second call', async () => {
  const app = express();
  app.use(expressMiddleware({ internals }));
  app.use((_req, res) => void res.end(currentInbound()?.path));
  const server = createHttpServer();
  server.on('request', wrapHandler({ internals }, app));
  const port = await listenOn(server);
  expect((await send(port, { path: '/twice' })).body).toBe('/twice');
  expect(await telemetry.untilEnded(1)).toHaveLength(1);
  expect(telemetry.started).toHaveLength(1);
});

it('the response has no listener of ours left when it has ended', async () => {
  let left: number[] | undefined;
  const port = await serve((_req, res) => {
    const before = [res.listenerCount('finish'), res.listenerCount('close')];
    res.on('finish', () =>
      setImmediate(() => {
        left = before.map((n, i) => n - res.listenerCount(['finish', 'close'][i]!));
      }),
    );
    res.end();
  });
  const agent = new Agent({ keepAlive: true });
  await send(port, { agent });
  await send(port, { agent }); // the first one's listeners are gone by now
  agent.destroy();
  expect(left).toEqual([0, 1]);
});

function failOnce(telemetry: RecordingTelemetry): RecordingTelemetry['callStarted'] {
  let failed = false;
  return (call, side) => {
    if (failed) return telemetry.callStarted(call, side);
    failed = true;
    throw new Error('a listener failed');
  };
}
