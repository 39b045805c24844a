import { EventEmitter, once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { InboundFilter, PolicyDecision } from '@inmesh/core';
import express from 'express';
import { expect, it } from 'vitest';
import { keep } from '../../../../test/support/keep.js';
import { inboundChecks } from '../../src/authorization/inbound-checks.js';
import type { MeshInternals } from '../../src/mesh-internals.js';
import { expressMiddleware } from '../../src/server/express.js';
import { createServer } from '../../src/server/node-http.js';
import { secureServer } from '../../src/server/tls/secure-server.js';
import { header, path, plaintextListener, rbac } from '../authorization/policies.js';
import { request, sendRaw } from '../authorization/raw-request.js';
import { listen } from './adapters.js';
import { testInternals } from './internals.js';

const denied = rbac('deny', path('/admin'));

const asking: InboundFilter = {
  kind: 'externalAuthorization',
  authorization: {
    ...{
      name: 'decider',
      service: { kind: 'grpc', cluster: 'c' },
      timeoutMs: 1000,
      failOpen: false,
      statusOnError: 403,
    },
    ...{ includedRequestHeaders: [], headersToUpstreamOnAllow: [], headersToDownstreamOnDeny: [] },
    ...{ headersToDownstreamOnAllow: [], when: undefined },
  },
};

type AskService = Parameters<typeof inboundChecks>[0]['askService'];

function internalsOf(filters: readonly InboundFilter[] | undefined, askService: AskService = nobody) {
  const decisions: PolicyDecision[] = [];
  const telemetry = [
    {
      callStarted: () => ({ callEnded: () => {} }),
      policyDecided: (_call: unknown, decision: PolicyDecision) => void decisions.push(decision),
    },
  ];
  const resources = filters === undefined ? {} : plaintextListener(filters);
  const internals = testInternals({ resources, telemetry });
  const policy = inboundChecks({ ...internals, wallClock: () => 0, askService });
  return { internals: { ...internals, policy } satisfies MeshInternals, decisions };
}

const nobody: AskService = () => Promise.reject(new Error('nobody is asked'));

async function open(server: Server): Promise<number> {
  const port = await listen(server);
  keep({
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  });
  return port;
}

/** Sends back what came with the request. */
function echoing(server: Server, event: 'upgrade' | 'connect'): IncomingMessage[] {
  const given: IncomingMessage[] = [];
  server.on(event, (req: IncomingMessage, socket: Socket, head: Buffer) => {
    given.push(req);
    socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
    socket.end(head);
  });
  return given;
}

const upgrade = (target: string, ...lines: string[]) =>
  [`GET ${target} HTTP/1.1`, 'Host: shop', 'Connection: Upgrade', 'Upgrade: websocket', ...lines, '', ''].join('\r\n');

it.each([
  ['createServer', (internals: MeshInternals) => createServer(internals, (_req, res) => void res.end())],
  [
    'secure() of an Express application',
    (internals: MeshInternals) =>
      secureServer(internals, createHttpServer(express().use(expressMiddleware({ internals })))),
  ],
])(
  'an upgrade comes to its listener of %s only as policies allow',
  async (_name, create) => {
    const { internals } = internalsOf([denied]);
    const server = create(internals);
    const given = echoing(server, 'upgrade');
    const port = await open(server);
    for (const target of ['/admin', '/ADMIN/', '/a/../admin', '/admin#x', '//admin', '*']) {
      const { status, text } = await sendRaw(port, upgrade(target));
      expect(['/admin', '/ADMIN/', '/a/../admin'].includes(target) ? 403 : 400).toBe(status);
      expect(text).toContain('x-inmesh-reason: ');
    }
    expect(given).toEqual([]);
    const { text } = await sendRaw(port, `${upgrade('/%61', 'x-forwarded-client-cert: forged')}hello`);
    expect(text).toBe('HTTP/1.1 101 Switching Protocols\r\n\r\nhello');
    expect(given.map(({ url, headers, mesh }) => [url, headers['x-forwarded-client-cert'], mesh])).toEqual([
      ['/a', undefined, { peer: undefined, jwt: undefined }],
    ]);
  },
  20_000,
);

it('CONNECT is denied where there are policies, and as ever where there are none', async () => {
  const send = async (filters: readonly InboundFilter[] | undefined) => {
    const server = createServer(internalsOf(filters).internals, (_req, res) => void res.end());
    const given = echoing(server, 'connect');
    const port = await open(server);
    const { status } = await sendRaw(port, 'CONNECT shop:443 HTTP/1.1\r\nHost: shop:443\r\n\r\nhello');
    return [status, given.length];
  };
  expect(await send([rbac('deny', header('x', 'y'))])).toEqual([400, 0]);
  expect(await send(undefined)).toEqual([101, 1]);
});

it('a client that leaves while somebody is asked about its upgrade harms nobody', async () => {
  const events = new EventEmitter();
  const ask: AskService = async () => {
    const answered = once(events, 'answered');
    events.emit('asked');
    await answered;
    throw new Error('away');
  };
  const server = createServer(internalsOf([asking], ask).internals, (_req, res) => void res.end());
  const given = echoing(server, 'upgrade');
  const port = await open(server);
  const client = connect(port, '127.0.0.1').on('error', () => {});
  client.write(upgrade('/'));
  const [[accepted]] = await Promise.all([once(server, 'connection') as Promise<[Socket]>, once(events, 'asked')]);
  client.resetAndDestroy();
  accepted.resume();
  // Not by `once`, which would listen to errors.
  await new Promise((resolve) => accepted.on('close', resolve));
  events.emit('answered');
  await new Promise((resolve) => setImmediate(resolve));
  expect(given).toEqual([]);
});

it('a body is asked for only where policies allow', async () => {
  const { internals, decisions } = internalsOf([denied]);
  const server = createServer(internals, (req, res) => void req.resume().on('end', () => res.end('served')));
  const checked: (string | undefined)[] = [];
  server.on('checkContinue', (req, res) => {
    checked.push(req.url);
    res.writeContinue();
    server.emit('request', req, res);
  });
  const port = await open(server);
  const send = (target: string) =>
    sendRaw(
      port,
      `POST ${target} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nhi`,
    );
  expect((await send('/admin')).status).toBe(403);
  expect([checked, decisions.length]).toEqual([[], 1]);
  const { text } = await send('/a/./b');
  expect(text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n.*served$/s);
  expect([checked, decisions.length]).toEqual([['/a/b'], 2]);
});

it.each([
  ['no adapter', (app: express.Express, _internals: MeshInternals) => app],
  ['an adapter', (app: express.Express, internals: MeshInternals) => app.use(expressMiddleware({ internals }))],
])(
  'an application with %s behind secure() is behind its policies, which judge a request once',
  async (_name, adapt) => {
    const { internals, decisions } = internalsOf([denied]);
    const seen: unknown[] = [];
    const app = adapt(express(), internals);
    app.use((req, res) => {
      seen.push(req.url, req.headers['x-forwarded-client-cert'], req.mesh);
      res.end('served');
    });
    const port = await open(secureServer(internals, createHttpServer(app)));
    const send = (target: string) => sendRaw(port, request(target, ['Host: shop', 'x-forwarded-client-cert: forged']));
    for (const target of ['/admin', '/ADMIN/', '/a/../admin']) expect((await send(target)).status).toBe(403);
    expect([seen, decisions.length]).toEqual([[], 3]);
    expect((await send('/a/./b')).status).toBe(200);
    expect([seen, decisions.length]).toEqual([['/a/b', undefined, { peer: undefined, jwt: undefined }], 4]);
  },
);
