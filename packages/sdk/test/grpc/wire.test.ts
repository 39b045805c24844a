import { once } from 'node:events';
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { RetryCondition } from '@inmesh/core';
import { testOutlierDetection, testRetryPolicy } from '@inmesh/core/testing';
import { describe, expect, it } from 'vitest';
import { clientOf, keep, startMesh, startServer, unary } from './support.js';

/** An HTTP/2 server that does with each stream what a test says. */
async function rawServer(
  onStream: (stream: ServerHttp2Stream, session: ServerHttp2Session, count: number) => void,
): Promise<{ port: number; stop(): void }> {
  const server: Http2Server = createServer();
  const sessions = new Set<ServerHttp2Session>();
  let count = 0;
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => {});
  });
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    onStream(stream, stream.session as ServerHttp2Session, count);
    count += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    for (const session of sessions) session.destroy();
    server.close();
  };
  return keep({ port: (server.address() as AddressInfo).port, stop: () => server.close(), close });
}

const grpcHeaders = { ':status': 200, 'content-type': 'application/grpc+proto' };
const refusedStream = 7;

function answer(stream: ServerHttp2Stream): void {
  stream.respond(grpcHeaders, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(Buffer.alloc(5));
}

describe('what a server does with a stream', () => {
  it('is hidden from the caller where it refuses it once, even without a retry policy', async () => {
    const server = await rawServer((stream, _, count) => (count === 0 ? stream.close(refusedStream) : answer(stream)));
    const client = clientOf(startMesh([server]));
    expect((await unary(client)).status.code).toBe(0);
  });

  it('is told where it refuses it again and again', async () => {
    let refused = 0;
    const server = await rawServer((stream) => {
      refused += 1;
      stream.close(refusedStream);
    });
    const { error } = await unary(clientOf(startMesh([server])));
    expect(error).toMatchObject({ code: 14, details: expect.stringContaining('Stream refused by server') });
    expect(refused).toBe(2);
  });

  it('is hidden where it goes away before it has begun with it (a6)', async () => {
    const server = await rawServer((stream, session, count) => {
      if (count === 1) session.goaway(0, stream.id! - 2);
      else answer(stream);
    });
    const client = clientOf(startMesh([server]));
    for (let i = 0; i < 3; i += 1) expect((await unary(client)).status.code).toBe(0);
  });

  it('is hidden where it goes away for good: the call moves on, whatever the policy (a6)', async () => {
    const leaving = await rawServer((stream, session, count) => {
      if (count === 0) {
        answer(stream);
        return;
      }
      leaving.stop();
      session.goaway(0, stream.id! - 2);
    });
    const server = await startServer();
    const mesh = startMesh([leaving, server], { cluster: { outlierDetection: testOutlierDetection() } });
    const client = clientOf(mesh);
    for (let i = 0; i < 3; i += 1) expect((await unary(client)).status.code).toBe(0);
    const { state, endpoints } = mesh.internals.snapshots.current.clusters.get('reviews')!;
    expect([state.breaker.requests, ...endpoints.map((endpoint) => endpoint.state.inFlight)]).toEqual([0, 0, 0]);
  });

  it('goes on where it goes away in the middle of it (a6)', async () => {
    const server = await rawServer((stream, session) => {
      session.goaway(0, stream.id);
      setImmediate(() => answer(stream));
    });
    const client = clientOf(startMesh([server]));
    for (let i = 0; i < 3; i += 1) expect((await unary(client)).status.code).toBe(0);
  });

  it('is a status and a text where it resets it', async () => {
    const server = await rawServer((stream) => stream.close(2));
    const { error } = await unary(clientOf(startMesh([server])));
    expect(error?.code).toBe(13);
    expect(error?.details).toContain('upstream_reset (UR): Received RST_STREAM with code 2');
  });

  it.each([
    [503, 14],
    [401, 16],
    [404, 12],
    [418, 2],
  ])('is what HTTP %i maps to where it is no gRPC server', async (httpStatus, code) => {
    const server = await rawServer((stream) => {
      stream.respond({ ':status': httpStatus, 'content-type': 'text/html' });
      stream.end('<h1>no</h1>');
    });
    expect((await unary(clientOf(startMesh([server])))).error?.code).toBe(code);
  });

  it('is UNKNOWN where its status is no number', async () => {
    const server = await rawServer((stream) =>
      stream.respond({ ...grpcHeaders, 'grpc-status': 'x' }, { endStream: true }),
    );
    const { error } = await unary(clientOf(startMesh([server])));
    expect(error).toMatchObject({ code: 2, details: 'malformed grpc-status' });
  });

  it('is INTERNAL where a message cannot be decompressed', async () => {
    const server = await rawServer((stream) => {
      stream.respond(grpcHeaders);
      stream.end(Buffer.from([1, 0, 0, 0, 0]));
    });
    expect((await unary(clientOf(startMesh([server])))).error?.code).toBe(13);
  });

  it('is tried elsewhere where a proxy before it answers 503', async () => {
    const proxy = await rawServer((stream) => {
      stream.respond({ ':status': 503, 'content-type': 'text/plain' });
      stream.end('upstream connect error');
    });
    const server = await startServer();
    const retry = testRetryPolicy({ on: new Set<RetryCondition>(['unavailable']), backoff: { baseMs: 1, maxMs: 2 } });
    const client = clientOf(startMesh([proxy, server], { retry }));
    for (let i = 0; i < 4; i += 1) expect((await unary(client)).error).toBeNull();
  });
});
