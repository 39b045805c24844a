import { once } from 'node:events';
import {
  createServer as createHttp,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type Server,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { type AddressInfo, connect as tcpConnect } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import type { InboundChain, InboundListener } from '@inmesh/core';
import express from 'express';
import fastify from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { makeCertificate } from '../../../../test/support/certificates.js';
import { MeshAuthority, type TestIdentity } from '../../../../test/support/mesh-authority.js';
import { expressMiddleware } from '../../src/server/express.js';
import { fastifyPlugin } from '../../src/server/fastify.js';
import { createServer, type HttpHandler } from '../../src/server/node-http.js';
import { secureServer } from '../../src/server/tls/secure-server.js';
import { staticMesh } from '../support/static-mesh.js';
import { ChangingIdentity } from '../support/test-identity.js';

const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

const authority = new MeshAuthority();
const uri = (name: string) => `spiffe://cluster.local/ns/default/sa/${name}`;
const hour = 3600_000;

function listenerOf(...transports: InboundChain['transport'][]): InboundListener {
  const chain = { port: 0, clientCertificate: 'required', filters: [] } as const;
  return { name: 'virtualInbound', chains: transports.map((transport) => ({ ...chain, transport })) };
}

const strict = listenerOf('tls');
const permissive = listenerOf('tls', 'plaintext');
const disabled = listenerOf('plaintext');

function meshOf(options: {
  inbound?: InboundListener | undefined;
  identity?: ChangingIdentity;
  probePaths?: string[];
  trusted?: string[];
}) {
  const refused: string[] = [];
  const lines: string[] = [];
  const log = (message: string, fields?: object) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const mesh = staticMesh([], {
    identity: options.identity ?? new ChangingIdentity(authority.issue('reviews')),
    ...(options.inbound && { inbound: options.inbound }),
    internals: {
      logger: { info: log, warn: log, error: log },
      onConnectionRefused: (reason) => refused.push(reason),
      probePaths: options.probePaths ?? [],
      trustForwardedClientCert: options.trusted ?? [],
      policy: {
        authenticate: () => undefined,
        askService: () => undefined,
        normalize: () => undefined,
        onDecision: () => {},
      } as never,
    },
  });
  open.push(mesh);
  return { mesh, refused, lines };
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push({
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  });
  return (server.address() as AddressInfo).port;
}

async function serverOf(options: Parameters<typeof meshOf>[0] & { handler?: HttpHandler } = {}) {
  const seen: IncomingMessage[] = [];
  const { mesh, refused, lines } = meshOf(options);
  const server = createServer(mesh.internals, (req, res) => {
    seen.push(req);
    if (options.handler === undefined) res.end(req.mesh?.peer?.spiffeId ?? 'nobody');
    else return options.handler(req, res);
  });
  return { port: await listen(server), server, seen, refused, lines };
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

function agentOf({ chain, key }: Partial<Pick<TestIdentity, 'chain' | 'key'>>, options: object = {}): HttpsAgent {
  const agent = new HttpsAgent({
    ...(chain !== undefined && { cert: chain }),
    ...(key !== undefined && { key }),
    ca: authority.bundle,
    checkServerIdentity: () => undefined,
    ...options,
  });
  open.push({ close: () => agent.destroy() });
  return agent;
}

function get(url: string, agent: HttpAgent, { headers = {}, body = '', method = 'GET' } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const send = url.startsWith('https') ? httpsRequest : httpRequest;
    const request = send(url, { agent, headers, method }, async (response) => {
      let text = '';
      for await (const chunk of response.setEncoding('utf8')) text += chunk;
      resolve({ status: response.statusCode!, text });
    });
    request.on('error', reject);
    request.end(body);
  });
}

const plainAgent = new HttpAgent();

describe('a server with an identity', () => {
  it('takes plain text and TLS on one port where the configuration says nothing, and tells who calls', async () => {
    const { port, seen } = await serverOf();
    expect(await get(`https://127.0.0.1:${port}/`, agentOf(authority.issue('shop')))).toEqual({
      status: 200,
      text: uri('shop'),
    });
    expect(await get(`http://127.0.0.1:${port}/`, plainAgent)).toEqual({ status: 200, text: 'nobody' });
    expect(seen[0]!.mesh?.peer).toMatchObject({
      namespace: 'default',
      serviceAccount: 'shop',
      trustDomain: 'cluster.local',
    });
  });

  it.each(['TLSv1.3', 'TLSv1.2'] as const)('speaks %s', async (version) => {
    const { port } = await serverOf({ inbound: strict });
    const agent = agentOf(authority.issueByIntermediate('shop'), { minVersion: version, maxVersion: version });
    expect((await get(`https://127.0.0.1:${port}/`, agent)).text).toBe(uri('shop'));
  });

  it('neither resumes a session nor negotiates one anew', async () => {
    const { port } = await serverOf({ inbound: strict });
    const { chain: cert, key } = authority.issue('shop');
    const common = { port, host: '127.0.0.1', cert, key, rejectUnauthorized: false } as const;
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const options = { ...common, minVersion: version, maxVersion: version };
      let session: Buffer | undefined;
      const first = tlsConnect(options, () => first.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
      first.on('session', (one) => {
        session = one;
      });
      await once(first, 'data');
      if (version === 'TLSv1.2') {
        first.renegotiate({}, () => {});
        const [failure] = await new Promise<Error[]>((resolve) => first.once('error', (...errors) => resolve(errors)));
        expect(failure).toMatchObject({ code: 'ERR_SSL_NO_RENEGOTIATION' });
      }
      first.on('error', () => {});
      first.destroy();
      const second = tlsConnect({ ...options, ...(session && { session }) });
      await once(second, 'secureConnect');
      expect(second.isSessionReused()).toBe(false);
      second.destroy();
    }
  });

  it('does not speak TLS 1.1', async () => {
    const { port, refused } = await serverOf({ inbound: strict });
    const options = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
    await expect(get(`https://127.0.0.1:${port}/`, agentOf(authority.issue('shop'), options))).rejects.toThrow();
    await expect.poll(() => refused).toEqual(['handshake']);
  });

  it('says where a client was that hung up in its handshake, and why it may have', async () => {
    const { port, lines } = await serverOf({ inbound: strict });
    const client = tcpConnect({ port, host: '127.0.0.1' });
    await once(client, 'connect');
    client.end(Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]));
    await expect.poll(() => lines).toEqual([expect.stringMatching(/may not trust this certificate.*127\.0\.0\.1/)]);
    client.destroy();
  });

  it.each<[string, () => Partial<TestIdentity>, string]>([
    ['no certificate', () => ({}), 'no_certificate'],
    ['one that it signed itself', () => selfSigned(uri('shop')), 'self_signed'],
    ['one of another authority', () => new MeshAuthority().issue('shop'), 'unknown_authority'],
    ['one of another trust domain', () => new MeshAuthority('evil.org').issue('shop'), 'untrusted_domain'],
    ['one that has expired', () => authority.issue('shop', { notAfter: new Date(Date.now() - hour) }), 'expired'],
    ['one of the future', () => authority.issue('shop', { notBefore: new Date(Date.now() + hour) }), 'not_yet_valid'],
    ['one with two URI names', () => authority.issue('shop', { uris: [uri('shop'), uri('admin')] }), 'several_uris'],
    ['one without a SPIFFE ID', () => authority.issue('shop', { uris: [] }), 'no_spiffe_id'],
    [
      'one that may sign',
      () => authority.issue('shop', { keyUsage: ['digitalSignature', 'keyCertSign'] }),
      'not_a_leaf',
    ],
  ])('refuses a client with %s, with the reason in log and metric, before any handler', async (_what, make, reason) => {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const { port, refused, lines, seen } = await serverOf({ inbound: strict });
      const agent = agentOf(make(), { minVersion: version, maxVersion: version });
      await expect(get(`https://127.0.0.1:${port}/`, agent)).rejects.toThrow();
      expect(refused).toEqual([reason]);
      expect(lines).toEqual([expect.stringContaining(`"reason":"${reason}"`)]);
      expect(seen).toEqual([]);
    }
  });

  it('refuses plain text where the configuration requires mutual TLS', async () => {
    const { port, refused, seen, lines } = await serverOf({ inbound: strict });
    await expect(get(`http://127.0.0.1:${port}/`, plainAgent)).rejects.toThrow();
    expect(refused).toEqual(['plaintext']);
    expect(lines).toEqual([expect.stringContaining('plain text is not taken on this port')]);
    expect(seen).toEqual([]);
    expect((await get(`https://127.0.0.1:${port}/`, agentOf(authority.issue('shop')))).status).toBe(200);
  });

  it('speaks plain text where the configuration says so', async () => {
    const { port } = await serverOf({ inbound: disabled });
    expect((await get(`http://127.0.0.1:${port}/`, plainAgent)).text).toBe('nobody');
    await expect(get(`https://127.0.0.1:${port}/`, agentOf(authority.issue('shop')))).rejects.toThrow();
  });

  it('refuses TLS while its certificate has not come, and goes on in plain text only where that is allowed', async () => {
    for (const inbound of [permissive, strict]) {
      const { port, refused, seen } = await serverOf({ inbound, identity: new ChangingIdentity() });
      await expect(get(`https://127.0.0.1:${port}/`, agentOf(authority.issue('shop')))).rejects.toThrow();
      expect(refused).toEqual(['no_identity']);
      const plain = get(`http://127.0.0.1:${port}/`, plainAgent);
      if (inbound === permissive) expect((await plain).status).toBe(200);
      else await expect(plain).rejects.toThrow();
      expect(seen).toHaveLength(inbound === permissive ? 1 : 0);
    }
  });

  it('closes a connection that says nothing, and survives one that is cut at its first byte', async () => {
    const { port, server } = await serverOf({ inbound: strict });
    server.headersTimeout = 50;
    const silent = tcpConnect(port, '127.0.0.1');
    await once(silent, 'close');
    for (const bytes of [[0x16], [0x16, 3, 1, 0, 5], [0x47]]) {
      const socket = tcpConnect(port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write(Buffer.from(bytes));
      socket.end();
      await once(socket, 'close');
    }
    expect((await get(`https://127.0.0.1:${port}/`, agentOf(authority.issue('shop')))).status).toBe(200);
  });
});

describe('behind the look at the first byte', () => {
  it.each(['http', 'https'])(
    'bodies of any size come and go whole over %s, and connections are kept',
    async (scheme) => {
      const handler: HttpHandler = (req, res) => void req.pipe(res);
      const { port, server } = await serverOf({ inbound: permissive, handler });
      let connections = 0;
      server.on('connection', () => {
        connections += 1;
      });
      const options = { keepAlive: true, maxSockets: 1 };
      const agent = scheme === 'http' ? new HttpAgent(options) : agentOf(authority.issue('shop'), options);
      for (const size of [0, 1, 1000, 5_000_000]) {
        const body = 'x'.repeat(size);
        const answer = await get(`${scheme}://127.0.0.1:${port}/`, agent, { method: 'POST', body });
        expect(answer.text.length).toBe(size);
      }
      expect(connections).toBe(1);
      agent.destroy();
    },
  );

  it.each(['http', 'https'])('a connection is upgraded over %s', async (scheme) => {
    const { port, server } = await serverOf({ inbound: permissive });
    server.on('upgrade', (_req, socket, head) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
      socket.write(head);
      socket.pipe(socket);
    });
    const { chain: cert, key } = authority.issue('shop');
    const socket =
      scheme === 'http'
        ? tcpConnect(port, '127.0.0.1')
        : tlsConnect({
            port,
            host: '127.0.0.1',
            cert,
            key,
            ca: authority.bundle,
            checkServerIdentity: () => undefined,
          });
    socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello');
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk;
    });
    await expect.poll(() => text).toContain('hello');
    socket.write(' again');
    await expect.poll(() => text).toContain('hello again');
    socket.destroy();
  });

  it('a request that comes in one byte after the other is read whole', async () => {
    const { port } = await serverOf({ inbound: permissive });
    const socket = tcpConnect(port, '127.0.0.1');
    socket.setNoDelay(true);
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk;
    });
    for (const byte of 'GET / HTTP/1.1\r\nHost: x\r\n\r\n') {
      socket.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await expect.poll(() => text).toContain('nobody');
    socket.destroy();
  });
});

describe('a probe where mutual TLS is required', () => {
  it('is served in plain text when its path was named, and nothing else is', async () => {
    const { port, seen, refused } = await serverOf({ inbound: strict, probePaths: ['/healthz'] });
    const url = (path: string) => `http://127.0.0.1:${port}${path}`;
    expect(await get(url('/healthz'), plainAgent)).toEqual({ status: 200, text: 'nobody' });
    expect((await get(url('/healthz?verbose'), plainAgent)).status).toBe(200);
    expect(seen).toHaveLength(2);
    for (const path of ['/', '/healthz/', '/Healthz', '/healthz/../admin', '/%68ealthz', '//healthz']) {
      expect(await get(url(path), plainAgent), path).toMatchObject({
        status: 403,
        text: expect.stringContaining('mutual TLS'),
      });
    }
    expect((await get(url('/healthz'), plainAgent, { method: 'POST', body: 'x' })).status).toBe(403);
    expect((await get(url('/healthz'), plainAgent, { headers: { 'content-length': '1' }, body: 'x' })).status).toBe(
      403,
    );
    expect(seen).toHaveLength(2);
    expect(new Set(refused)).toEqual(new Set(['plaintext']));
  });
});

describe('a rotation', () => {
  it('keeps connections that are up, and shows the new certificate to new ones', async () => {
    const identity = new ChangingIdentity(authority.issue('reviews'));
    const { port } = await serverOf({ inbound: strict, identity });
    const kept = agentOf(authority.issue('shop'), { keepAlive: true, maxSockets: 1 });
    expect((await get(`https://127.0.0.1:${port}/`, kept)).status).toBe(200);
    identity.set(authority.issue('renewed'));
    expect((await get(`https://127.0.0.1:${port}/`, kept)).status).toBe(200);
    const shown: string[] = [];
    const look = {
      checkServerIdentity: (_host: string, { subjectaltname }: { subjectaltname: string }) =>
        void shown.push(subjectaltname),
    };
    await get(`https://127.0.0.1:${port}/`, agentOf(authority.issue('shop'), look));
    expect(shown).toEqual([expect.stringContaining(uri('renewed'))]);
  });

  it('of the authority ends connections of the old one that are idle', async () => {
    const identity = new ChangingIdentity(authority.issue('reviews'));
    const { port, server, seen } = await serverOf({ inbound: strict, identity });
    let connections = 0;
    server.on('connection', () => {
      connections += 1;
    });
    const kept = agentOf(authority.issue('shop'), { keepAlive: true, maxSockets: 1 });
    expect((await get(`https://127.0.0.1:${port}/`, kept)).status).toBe(200);
    identity.set(new MeshAuthority().issue('reviews'));
    await expect(get(`https://127.0.0.1:${port}/`, kept)).rejects.toThrow();
    await expect(get(`https://127.0.0.1:${port}/`, kept)).rejects.toThrow();
    expect(connections).toBe(2);
    expect(seen).toHaveLength(1);
  });

  it('of the authority lets what runs be answered, and nothing begin behind it', async () => {
    const identity = new ChangingIdentity(authority.issue('reviews'));
    let answer = () => {};
    const handler: HttpHandler = (_req, res) => {
      answer = () => void res.end('done');
    };
    const { port, seen } = await serverOf({ inbound: strict, identity, handler });
    const { chain: cert, key } = authority.issue('shop');
    const client = tlsConnect({ port, host: '127.0.0.1', cert, key, rejectUnauthorized: false });
    let text = '';
    client.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    client.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');
    await expect.poll(() => seen.length).toBe(1);
    identity.set(new MeshAuthority().issue('reviews'));
    for (const path of ['/a', '/b']) {
      const written = new Promise((resolve) => client.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`, resolve));
      await written;
    }
    const other = agentOf(authority.issue('shop'));
    await expect(get(`https://127.0.0.1:${port}/`, other)).rejects.toThrow();
    answer();
    await once(client, 'close');
    expect([seen.map(({ url }) => url), text.match(/HTTP\/1\.1 \d+/g)]).toEqual([['/slow'], ['HTTP/1.1 200']]);
    expect(text.toLowerCase()).toContain('connection: close');
  });
});

describe('x-forwarded-client-cert', () => {
  const headers = { 'x-forwarded-client-cert': 'URI=spiffe://cluster.local/ns/default/sa/admin' };

  it.each([
    ['plain text', 'http', undefined],
    ['a peer that is not believed', 'https', undefined],
    ['the proxy that is believed', 'https', headers['x-forwarded-client-cert']],
  ])('of %s is seen over %s as %s', async (who, scheme, expected) => {
    const handler: HttpHandler = (req, res) => {
      const raw = req.rawHeaders.includes('x-forwarded-client-cert');
      res.end(
        JSON.stringify([req.headers['x-forwarded-client-cert'], raw, req.headersDistinct['x-forwarded-client-cert']]),
      );
    };
    const { port } = await serverOf({ inbound: permissive, handler, trusted: [uri('gateway')] });
    const agent = scheme === 'http' ? plainAgent : agentOf(authority.issue(who.includes('not') ? 'shop' : 'gateway'));
    const { text } = await get(`${scheme}://127.0.0.1:${port}/`, agent, { headers });
    expect(JSON.parse(text)).toEqual(expected === undefined ? [null, false, null] : [expected, true, [expected]]);
  });
});

describe('other servers', () => {
  it('Express has the peer on its request', async () => {
    const { mesh } = meshOf({ inbound: strict });
    const app = express();
    app.use(expressMiddleware(mesh));
    app.get('/', (req, res) => void res.send(req.mesh?.peer?.serviceAccount));
    const port = await listen(createServer(mesh.internals, app));
    expect(await get(`https://127.0.0.1:${port}/`, agentOf(authority.issue('shop')))).toEqual({
      status: 200,
      text: 'shop',
    });
  });

  it('Fastify has the peer on its request', async () => {
    const { mesh } = meshOf({ inbound: strict, probePaths: ['/healthz'] });
    let server: Server | undefined;
    const app = fastify({
      serverFactory: (handler) => {
        server = secureServer(mesh.internals, createHttp(handler));
        return server;
      },
    });
    await app.register(fastifyPlugin, { mesh });
    app.get('/', async (request) => request.mesh?.peer?.serviceAccount);
    app.get('/healthz', async () => 'fine');
    await app.listen({ port: 0, host: '127.0.0.1' });
    open.push({ close: () => app.close() });
    const { port } = server!.address() as AddressInfo;
    expect(await get(`https://127.0.0.1:${port}/`, agentOf(authority.issue('shop')))).toEqual({
      status: 200,
      text: 'shop',
    });
    expect(await get(`http://127.0.0.1:${port}/healthz`, plainAgent)).toEqual({ status: 200, text: 'fine' });
    expect((await get(`http://127.0.0.1:${port}/`, plainAgent)).status).toBe(403);
  });
});

function selfSigned(name: string): Pick<TestIdentity, 'chain' | 'key'> {
  const { certificate, key } = makeCertificate({ uris: [name], keyUsage: ['digitalSignature'] });
  return { chain: certificate, key };
}
