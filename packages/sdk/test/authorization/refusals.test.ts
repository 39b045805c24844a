import { once } from 'node:events';
import { createServer as createHttpServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { InboundFilter } from '@inmesh/core';
import express from 'express';
import express4 from 'express4';
import { describe, expect, it } from 'vitest';
import { keep } from '../../../../test/support/keep.js';
import { inboundChecks } from '../../src/authorization/inbound-checks.js';
import type { MeshInternals } from '../../src/mesh-internals.js';
import { expressMiddleware } from '../../src/server/express.js';
import { createServer } from '../../src/server/node-http.js';
import { testInternals } from '../server/internals.js';
import { header, path, plaintextListener, rbac } from './policies.js';
import { request, sendRaw } from './raw-request.js';

function internalsWith(filters: readonly InboundFilter[]): MeshInternals {
  const internals = testInternals({ resources: plaintextListener(filters) });
  const askService = () => Promise.reject(new Error('nobody is asked'));
  return { ...internals, policy: inboundChecks({ ...internals, wallClock: () => 0, askService }) };
}

async function listen(server: Server): Promise<number> {
  keep({ close: () => server.close().closeAllConnections() });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

describe('A server that reads fewer headers than others', () => {
  it.each([10, 100, 600])('refuses more than its %i', async (maxHeadersCount) => {
    let seen = 0;
    const server = createServer(internalsWith([rbac('deny', header('x-role', 'guest'))]), (_req, res) => {
      seen += 1;
      res.end();
    });
    server.maxHeadersCount = maxHeadersCount;
    const port = await listen(server);
    const flood = Array.from({ length: maxHeadersCount }, (_, i) => `a${i}: 1`);
    expect((await sendRaw(port, request('/', ['Host: shop', ...flood, 'x-role: guest']))).status).toBe(431);
    expect(seen).toBe(0);
    expect((await sendRaw(port, request('/', ['Host: shop']))).status).toBe(200);
  });
});

describe.each([
  ['Express 4', express4, '/admin/*'],
  ['Express 5', express, '/admin/*rest'],
] as const)('A middleware of a route of %s', (_name, create, everything) => {
  it('refuses a path by which another route would have been chosen', async () => {
    const app = (create as typeof express)();
    const mesh = { internals: internalsWith([rbac('allow', path('/public/', 'prefix'))]) };
    app.all(everything, expressMiddleware(mesh), (_req, res) => void res.end('admin'));
    app.all('/public/*'.concat(everything.slice('/admin/*'.length)), expressMiddleware(mesh), (_req, res) => {
      res.end('public');
    });
    const port = await listen(createHttpServer(app));
    expect((await sendRaw(port, request('/admin/../public/a'))).status).toBe(400);
    expect((await sendRaw(port, request('/public/a'))).text).toMatch(/200 .*public$/s);
  });
});

describe('A connection that its client resets', () => {
  const range = { address: '127.0.0.0', prefixLength: 8 };
  const local = { kind: 'directRemoteIp', range } as const;
  const client = { kind: 'remoteIp', range } as const;
  const any = { kind: 'any' } as const;
  const policies = {
    'deny its address': rbac('deny', any, { principal: local }),
    'deny its client address': rbac('deny', any, { principal: client }),
    'allow other addresses': rbac('allow', any, { principal: { kind: 'not', principal: local } }),
    'allow its address': rbac('allow', any, { principal: local }),
  };
  const servers = {
    'the mesh': createServer,
    Express: (internals: MeshInternals, handler: () => void) =>
      createHttpServer(express().use(expressMiddleware({ internals }), handler)),
  };

  /** Whether the handler runs for a request whose sender is gone when it is read. */
  async function runs(make: keyof typeof servers, policy: keyof typeof policies, when: 'at once' | 'later') {
    let seen = 0;
    const handler = () => {
      seen += 1;
    };
    const server = servers[make](internalsWith([policies[policy]]), handler);
    const port = await listen(server);
    const connected = once(server, 'connection');
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    const send = () => {
      socket.write('GET / HTTP/1.1\r\nHost: shop\r\n\r\n');
      socket.resetAndDestroy();
    };
    if (when === 'at once') socket.once('connect', send);
    const [accepted] = (await connected) as [Socket];
    if (when === 'later') send();
    if (!accepted.closed) await new Promise((resolve) => accepted.once('close', resolve));
    await new Promise(setImmediate);
    return seen > 0;
  }

  it.each([
    ['the mesh', 'at once'],
    ['the mesh', 'later'],
    ['Express', 'at once'],
    ['Express', 'later'],
  ] as const)('at a server of %s, %s, passes no policy about addresses', async (make, when) => {
    expect(await runs(make, 'deny its address', when)).toBe(false);
    expect(await runs(make, 'deny its client address', when)).toBe(false);
    expect(await runs(make, 'allow other addresses', when)).toBe(false);
  });

  it('is known by a server of the mesh from its beginning', async () => {
    expect(await runs('the mesh', 'allow its address', 'later')).toBe(true);
  });
});
