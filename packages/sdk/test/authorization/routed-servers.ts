import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import express4 from 'express4';
import fastify from 'fastify';
import type { MeshInternals } from '../../src/mesh-internals.js';
import { expressMiddleware } from '../../src/server/express.js';
import { fastifyPlugin } from '../../src/server/fastify.js';
import { createServer } from '../../src/server/node-http.js';

/** Told of each request that the handler behind `/admin/secret` or `/public/` was given. */
export type Seen = (route: 'secret' | 'public', req: IncomingMessage, query?: unknown) => void;

export interface RoutedServer {
  readonly name: string;
  /** Routes `/admin/secret` and everything below `/public/`, as leniently as the framework can. */
  readonly open: (internals: MeshInternals, seen: Seen) => Promise<{ port: number; close: () => Promise<unknown> }>;
}

function nodeHttp(name: string, routeOf: (url: string) => string): RoutedServer {
  return {
    name,
    open: (internals, seen) => {
      const server = createServer(internals, (req, res) => {
        const route = routeOf(req.url ?? '');
        if (route === '/admin/secret') seen('secret', req);
        else if (route.startsWith('/public/')) seen('public', req);
        else res.statusCode = 404;
        res.end('done');
      });
      return listen(server);
    },
  };
}

function expressServer(name: string, create: typeof express, everything: string): RoutedServer {
  return {
    name,
    open: (internals, seen) => {
      const app = create();
      app.use(expressMiddleware({ internals }));
      app.get('/admin/secret', (req, res) => {
        seen('secret', req);
        res.end('secret');
      });
      app.get(everything, (req, res) => {
        seen('public', req, req.query);
        res.end('public');
      });
      return listen(createHttpServer(app));
    },
  };
}

function fastifyServer(name: string, options: object): RoutedServer {
  return {
    name,
    open: async (internals, seen) => {
      const app = fastify({ forceCloseConnections: true, ...options });
      app.register(fastifyPlugin, { mesh: { internals } });
      app.get('/admin/secret', async (request) => {
        seen('secret', request.raw);
        return 'secret';
      });
      app.get('/public/*', async (request) => {
        seen('public', request.raw, { ...(request.query as object) });
        return 'public';
      });
      await app.listen({ port: 0, host: '127.0.0.1' });
      return { port: (app.server.address() as AddressInfo).port, close: () => app.close() };
    },
  };
}

async function listen(server: Server): Promise<{ port: number; close: () => Promise<unknown> }> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { port: (server.address() as AddressInfo).port, close };
}

export const routedServers: readonly RoutedServer[] = [
  nodeHttp('node:http by url', (url) => url.replace(/[?#].*$/, '')),
  nodeHttp('node:http by new URL()', (url) => new URL(url, 'http://host').pathname),
  nodeHttp('node:http decoding, in any case', (url) => {
    const path = decodeURIComponent(url.replace(/[?#;].*$/, ''))
      .replace(/\0.*$/s, '')
      .replaceAll('\\', '/');
    return path
      .replace(/\/+/g, '/')
      .replace(/(?<=.)\/$/, '')
      .toLowerCase();
  }),
  expressServer('Express 4', express4, '/public/*'),
  expressServer('Express 5', express, '/public/*rest'),
  fastifyServer('Fastify 5', {}),
  fastifyServer('Fastify 5, as lenient as can be', {
    routerOptions: {
      caseSensitive: false,
      ignoreTrailingSlash: true,
      ignoreDuplicateSlashes: true,
      useSemicolonDelimiter: true,
    },
  }),
];
