import * as grpc from '@grpc/grpc-js';
import type { InboundListener, PeerIdentity, UpstreamTls } from '@inmesh/core';
import { describe, expect, it } from 'vitest';
import { MeshAuthority, type TestIdentity } from '../../../../test/support/mesh-authority.js';
import { type TestClient, testServiceMethods } from '../grpc/interop-service.js';
import { clientOf, keep, startMesh, unary } from '../grpc/support.js';
import { ChangingIdentity } from '../support/test-identity.js';

const authority = new MeshAuthority();
const uri = (name: string) => `spiffe://cluster.local/ns/default/sa/${name}`;
const hour = 3600_000;

const meshTls: UpstreamTls = {
  certificate: { kind: 'workload' },
  trust: { kind: 'workload' },
  sni: 'outbound_.80_._.reviews.default.svc.cluster.local',
  subjectAltNames: [{ kind: 'exact', value: uri('reviews'), ignoreCase: false }],
  skipVerify: false,
};
const transport = { kind: 'tls', tls: meshTls } as const;
const strict: InboundListener = {
  name: 'virtualInbound',
  chains: [{ port: 0, transport: 'tls', clientCertificate: 'required', filters: [] }],
};

async function serve(options: { inbound?: InboundListener; identity?: ChangingIdentity } = {}) {
  const { inbound, identity = new ChangingIdentity(authority.issue('reviews')) } = options;
  const refused: string[] = [];
  const peers: (PeerIdentity | undefined)[] = [];
  const seen: grpc.Metadata[] = [];
  const mesh = startMesh([], {
    identity,
    ...(inbound && { inbound }),
    internals: { onConnectionRefused: (reason) => refused.push(reason) },
  });
  const authorize = ({ peer }: { peer: PeerIdentity | undefined }) => {
    peers.push(peer);
    return undefined;
  };
  const server = new grpc.Server({ interceptors: [mesh.grpc.serverInterceptor({ authorize })] });
  server.addService(testServiceMethods, {
    UnaryCall: (call: { metadata: grpc.Metadata }, callback: grpc.sendUnaryData<object>) => {
      seen.push(call.metadata);
      callback(null, { username: 'done' });
    },
  } as grpc.UntypedServiceImplementation);
  const port = await mesh.grpc.bind(server, '127.0.0.1:0');
  keep({ close: () => server.forceShutdown() });
  return { port, server, refused, peers, seen, identity };
}

function callerOf(port: number, identity = new ChangingIdentity(authority.issue('shop'))): TestClient {
  return clientOf(startMesh([{ port }], { identity, cluster: { transport } }));
}

describe('gRPC over mutual TLS of the mesh', () => {
  it('knows both ends, and is one port for plain text as well where nothing is said', async () => {
    const { port, peers } = await serve();
    expect((await unary(callerOf(port))).response?.username).toBe('done');
    expect((await unary(clientOf(startMesh([{ port }])))).response?.username).toBe('done');
    expect(peers).toEqual([expect.objectContaining({ spiffeId: uri('shop') }), undefined]);
  });

  it('is not lowered by a client that says it needs no TLS', async () => {
    const { port, peers } = await serve({ inbound: strict });
    const mesh = startMesh([{ port }], {
      identity: new ChangingIdentity(authority.issue('shop')),
      cluster: { transport },
    });
    const client = clientOf(mesh, { credentials: grpc.credentials.createInsecure() });
    expect((await unary(client)).response?.username).toBe('done');
    expect(peers).toMatchObject([{ spiffeId: uri('shop') }]);
  });

  it.each<[string, () => TestIdentity, string]>([
    [
      'of another authority',
      () => ({ ...new MeshAuthority().issue('shop'), bundle: authority.bundle }),
      'unknown_authority',
    ],
    ['that has expired', () => authority.issue('shop', { notAfter: new Date(Date.now() - hour) }), 'expired'],
    ['with two URI names', () => authority.issue('shop', { uris: [uri('shop'), uri('admin')] }), 'several_uris'],
  ])('refuses a client with a certificate %s, before any handler', async (_what, make, reason) => {
    const { port, refused, seen } = await serve({ inbound: strict });
    const { status } = await unary(callerOf(port, new ChangingIdentity(make())));
    expect(status.code).toBe(grpc.status.UNAVAILABLE);
    expect(new Set(refused)).toEqual(new Set([reason]));
    expect(seen).toEqual([]);
  });

  it('refuses plain text where mutual TLS is required', async () => {
    const { port, refused, seen } = await serve({ inbound: strict });
    expect((await unary(clientOf(startMesh([{ port }])))).status.code).toBe(grpc.status.UNAVAILABLE);
    expect(new Set(refused)).toEqual(new Set(['plaintext']));
    expect(seen).toEqual([]);
  });

  it.each<[string, () => TestIdentity, RegExp]>([
    ['of another service account', () => authority.issue('ratings'), /unexpected_identity/],
    ['that has expired', () => authority.issue('reviews', { notAfter: new Date(Date.now() - hour) }), /expired/],
    ['of another authority', () => new MeshAuthority().issue('reviews'), /certificate/],
  ])('calls no server with a certificate %s', async (_what, make, reason) => {
    const { port, seen } = await serve({ identity: new ChangingIdentity(make()) });
    const { status } = await unary(callerOf(port));
    expect(status.code).toBe(grpc.status.UNAVAILABLE);
    expect(status.details).toMatch(reason);
    expect(seen).toEqual([]);
  });

  it('fails while there is no identity, and never goes in plain text', async () => {
    const { port, seen } = await serve();
    const { status } = await unary(callerOf(port, new ChangingIdentity()));
    expect(status).toMatchObject({
      code: grpc.status.UNAVAILABLE,
      details: expect.stringContaining('this workload has no identity'),
    });
    expect(seen).toEqual([]);
  });

  it('takes a new certificate, and loses no call to the change', async () => {
    const { port, seen, identity: own } = await serve({ inbound: strict });
    const identity = new ChangingIdentity(authority.issue('shop'));
    const client = callerOf(port, identity);
    for (let i = 0; i < 20; i += 1) {
      const calls = [unary(client), unary(client), unary(client)];
      identity.set(authority.issue('shop'));
      own.set(authority.issue('reviews'));
      for (const { status } of await Promise.all(calls)) expect(status.code).toBe(grpc.status.OK);
    }
    expect(seen).toHaveLength(60);
  });

  it('takes x-forwarded-client-cert from no one', async () => {
    const { port, seen } = await serve();
    await unary(callerOf(port), {}, { metadata: { 'x-forwarded-client-cert': 'URI=spiffe://a/b', other: 'kept' } });
    expect(seen[0]!.get('x-forwarded-client-cert')).toEqual([]);
    expect(seen[0]!.get('other')).toEqual(['kept']);
  });

  it('ends with its server, connections that say nothing included', async () => {
    const { port, server } = await serve({ inbound: strict });
    const client = callerOf(port);
    await unary(client);
    client.close();
    await new Promise<void>((resolve, reject) => server.tryShutdown((error) => (error ? reject(error) : resolve())));
    expect((await unary(callerOf(port))).status.code).toBe(grpc.status.UNAVAILABLE);
  });

  it.each(['nonsense', '127.0.0.1:x', ''])('cannot be bound to %j', async (address) => {
    const mesh = startMesh([]);
    await expect(mesh.grpc.bind(new grpc.Server(), address)).rejects.toMatchObject({ reason: 'invalid_request' });
  });
});
