import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One instance of a service on loopback, which counts what it was asked. */
export interface Backend {
  readonly app: string;
  readonly version: string;
  readonly port: number;
  readonly requests: { method: string; url: string; headers: IncomingMessage['headers'] }[];
  close(): Promise<void>;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Answers with its version unless told otherwise. `port` 0 takes a free one. */
export async function startBackend(
  app: string,
  version: string,
  handler?: Handler,
  port = 0,
  address = '127.0.0.1',
): Promise<Backend> {
  const requests: Backend['requests'] = [];
  const server = createServer((request, response) => {
    requests.push({ method: request.method!, url: request.url!, headers: request.headers });
    if (handler !== undefined) handler(request, response);
    else response.end(version);
  });
  server.listen(port, address);
  await once(server, 'listening');
  return { app, version, port: (server.address() as AddressInfo).port, requests, close: () => closeServer(server) };
}

async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
