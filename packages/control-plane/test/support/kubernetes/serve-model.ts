import { createServer as createPlain, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecure, type ServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Method } from '../../../src/kubernetes/client/transport.js';
import type { ApiModel } from './api-model.js';

export interface ServedModel {
  /** `https://127.0.0.1:PORT`, or http without TLS. */
  readonly url: string;
  /** Of each request, in order. */
  readonly authorizations: (string | undefined)[];
  /** Open now. */
  readonly sockets: ReadonlySet<Socket>;
  close(): Promise<void>;
}

/** The model on a port, by the protocol that the API server speaks: HTTP/1.1, watches in chunks. */
export async function serveModel(model: ApiModel, tls?: ServerOptions): Promise<ServedModel> {
  const authorizations: (string | undefined)[] = [];
  const sockets = new Set<Socket>();
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    authorizations.push(request.headers.authorization);
    void handle(model, request, response).catch(() => response.destroy());
  };
  const server = tls === undefined ? createPlain(listener) : createSecure(tls, listener);
  server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    ...{ authorizations, sockets },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function handle(model: ApiModel, request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = '';
  for await (const piece of request) body += piece;
  const abort = new AbortController();
  response.on('close', () => abort.abort());
  const answer = await model.send({
    method: request.method as Method,
    path: request.url ?? '/',
    headers: {},
    ...(body === '' ? {} : { body }),
    ...{ isStream: false, signal: abort.signal },
  });
  response.writeHead(answer.status, answer.retryAfter === undefined ? {} : { 'retry-after': answer.retryAfter });
  response.flushHeaders();
  for await (const piece of answer.body) response.write(piece);
  response.end();
}
