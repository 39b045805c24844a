import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import express, { type ErrorRequestHandler, type Express } from 'express';
import express4 from 'express4';
import fastify from 'fastify';
import type { MeshInternals } from '../../src/mesh-internals.js';
import { expressErrorHandler, expressMiddleware } from '../../src/server/express.js';
import { fastifyPlugin } from '../../src/server/fastify.js';
import { createServer } from '../../src/server/node-http.js';

/** Answers with the text it resolves to, or has written its answer itself. */
export type TestHandler = (req: IncomingMessage, res: ServerResponse) => Promise<string | undefined>;

export interface Adapter {
  readonly name: string;
  /** The body with which an error that is not the mesh's is answered when its message is «a secret». */
  readonly foreignErrorBody: string;
  /** A server, listening on no port yet, that reads the request's body before it calls the handler. */
  create(internals: MeshInternals, handler: TestHandler): Promise<{ server: Server; close?: () => Promise<void> }>;
}

const nodeHttp: Adapter = {
  name: 'node:http',
  foreignErrorBody: 'internal error',
  async create(internals, handler) {
    const server = createServer(internals, async (req, res) => {
      req.resume();
      // With listeners and not with `once`, whose promise would keep the context by itself.
      await new Promise<void>((resolve, reject) =>
        req.on('end', () => sendText(handler, req, res).then(resolve, reject)),
      );
    });
    return { server };
  },
};

function expressAdapter(name: string, create: typeof express): Adapter {
  return {
    name,
    foreignErrorBody: 'answered by the application',
    async create(internals, handler) {
      const app: Express = create();
      app.use(expressMiddleware({ internals }));
      app.use(create.text());
      app.use((req, res, next) => void sendText(handler, req, res).catch(next));
      app.use(expressErrorHandler());
      app.use(((_error, _req, res, _next) => {
        res.status(500).end('answered by the application');
      }) satisfies ErrorRequestHandler);
      return { server: createHttpServer(app) };
    },
  };
}

const fastify5: Adapter = {
  name: 'Fastify 5',
  foreignErrorBody: '{"statusCode":500,"error":"Internal Server Error","message":"a secret"}',
  async create(internals, handler) {
    const app = fastify({ forceCloseConnections: true });
    app.register(fastifyPlugin, { mesh: { internals } });
    app.all('/*', async (request, reply) => {
      const text = await handler(request.raw, reply.raw);
      return text ?? reply.hijack();
    });
    await app.ready();
    return { server: app.server, close: () => app.close() };
  },
};

export const adapters: readonly Adapter[] = [
  nodeHttp,
  expressAdapter('Express 4', express4),
  expressAdapter('Express 5', express),
  fastify5,
];

export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function sendText(handler: TestHandler, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const text = await handler(req, res);
  if (text !== undefined) res.end(text);
}
