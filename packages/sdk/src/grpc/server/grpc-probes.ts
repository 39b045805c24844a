import {
  constants,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import type { Clock } from '@inmesh/core';
import { type PeerRefusal, plaintextRefusal } from '../../identity/refusal.js';
import type { Refusals } from '../../server/tls/refusals.js';
import type { GrpcHealth } from './health.js';
import { decodeRequest, encodeStatus, type ServingStatus } from './health-messages.js';

type Ends = Partial<Pick<Socket, 'remoteAddress' | 'localPort'>>;

const checkPath = '/grpc.health.v1.Health/Check';
const contentType = 'application/grpc';
/** Before each message: whether it is compressed, and how long it is. */
const prefixLength = 5;
const longestRequest = 1024;
const longestSessionMs = 10_000;
const status = { invalidArgument: 3, notFound: 5, permissionDenied: 7, unimplemented: 12 } as const;

/**
 * Serves connections in plain text where mutual TLS is required, and of them nothing but `Check` of grpc.health.v1.Health:
 * a kubelet has no certificate. The user's server never gets such a connection, so no other method can be reached by one.
 */
export class GrpcProbes {
  readonly #server = createServer({ maxSessionMemory: 1, settings: { maxConcurrentStreams: 4 } });
  /** With their ends, which a session that has failed no longer knows. */
  readonly #sessions = new Map<ServerHttp2Session, Ends>();

  /** @param health undefined: the server has none */
  constructor(
    private readonly health: () => GrpcHealth | undefined,
    private readonly refusals: Refusals,
    private readonly clock: Clock,
  ) {
    this.#server.on('session', (session) => this.#onSession(session));
    this.#server.on('stream', (stream, headers) => this.#onStream(stream, headers));
  }

  take(socket: Socket): void {
    this.#server.emit('connection', socket);
  }

  close(): void {
    for (const session of this.#sessions.keys()) session.destroy();
  }

  #onSession(session: ServerHttp2Session): void {
    const { remoteAddress, localPort } = session.socket;
    const ends = { remoteAddress, localPort };
    this.#sessions.set(session, ends);
    const timer = this.clock.setTimer(longestSessionMs, () => session.destroy());
    session.once('close', () => {
      timer.cancel();
      this.#sessions.delete(session);
    });
    // What is no HTTP/2 at all ends here, too.
    session.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ERR_HTTP2_ERROR') this.#tellRefusal(ends);
    });
  }

  #onStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    stream.on('error', () => {});
    const isCheck = headers[':method'] === 'POST' && headers[':path'] === checkPath;
    if (!isCheck || headers['content-type']?.startsWith(contentType) !== true) {
      const { detail } = this.#tellRefusal(this.#sessions.get(stream.session as ServerHttp2Session));
      answerStatus(stream, status.permissionDenied, detail);
      return;
    }
    let request = Buffer.alloc(0);
    stream.on('data', (chunk: Buffer) => {
      request = Buffer.concat([request, chunk]);
      if (request.length > longestRequest) stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    });
    stream.on('end', () => this.#answer(stream, request));
  }

  #answer(stream: ServerHttp2Stream, request: Buffer): void {
    if (stream.destroyed || stream.closed) return;
    const health = this.health();
    const service = serviceIn(request);
    if (health === undefined) answerStatus(stream, status.unimplemented, 'this server has no health service');
    else if (service === undefined) answerStatus(stream, status.invalidArgument, 'this is no HealthCheckRequest');
    else {
      const known = health.statusOf(service);
      if (known === undefined) answerStatus(stream, status.notFound, 'this service is not known');
      else answerMessage(stream, known);
    }
  }

  #tellRefusal(ends: Ends = {}): PeerRefusal {
    const refusal = plaintextRefusal();
    this.refusals.tell(refusal, ends);
    return refusal;
  }
}

/** Undefined where it is not one whole message that is not compressed. */
function serviceIn(request: Buffer): string | undefined {
  if (request.length < prefixLength || request[0] !== 0) return undefined;
  if (request.readUInt32BE(1) !== request.length - prefixLength) return undefined;
  try {
    return decodeRequest(request.subarray(prefixLength)).service;
  } catch {
    return undefined;
  }
}

function answerMessage(stream: ServerHttp2Stream, serving: ServingStatus): void {
  const message = encodeStatus(serving);
  const prefix = Buffer.alloc(prefixLength);
  prefix.writeUInt32BE(message.length, 1);
  stream.respond({ ':status': 200, 'content-type': contentType }, { waitForTrailers: true });
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(Buffer.concat([prefix, message]));
}

/** A status alone, as gRPC's trailers-only responses are. */
function answerStatus(stream: ServerHttp2Stream, code: number, message: string): void {
  const trailers = { 'grpc-status': String(code), 'grpc-message': message };
  stream.respond({ ':status': 200, 'content-type': contentType, ...trailers }, { endStream: true });
}
