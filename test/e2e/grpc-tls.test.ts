import { credentials, ServerCredentials, status } from '@grpc/grpc-js';
import { createMesh, type Mesh } from 'inmesh';
import { beforeEach, describe, expect, it } from 'vitest';
import { type GrpcTestServer, grpcServer } from '../../packages/sdk/test/grpc/interop-server.js';
import { TestService } from '../../packages/sdk/test/grpc/interop-service.js';
import { unary } from '../../packages/sdk/test/grpc/support.js';
import { makeCertificate, type TestCertificate } from '../support/certificates.js';
import { ConfigFolder, serviceYaml } from '../support/config-folder.js';
import { keep } from '../support/keep.js';

const host = 'reviews.default.svc.cluster.local';

function secureServer({ certificate, key }: TestCertificate, clients?: TestCertificate): Promise<GrpcTestServer> {
  const pair = { private_key: Buffer.from(key), cert_chain: Buffer.from(certificate) };
  const root = clients === undefined ? null : Buffer.from(clients.certificate);
  return grpcServer({ credentials: ServerCredentials.createSsl(root, [pair], root !== null) });
}

async function meshOf(server: GrpcTestServer): Promise<Mesh> {
  const endpoints = [{ app: 'reviews', version: 'v1', port: server.port }];
  const folder = keep(new ConfigFolder());
  folder.write('reviews.yaml', serviceYaml('reviews', endpoints, { port: 9080 }));
  const mesh = keep(await createMesh({ config: folder.path }));
  await mesh.ready();
  return mesh;
}

function trusting(authority: TestCertificate, own?: TestCertificate) {
  const pem = (text: string | undefined) => (text === undefined ? null : Buffer.from(text));
  return credentials.createSsl(Buffer.from(authority.certificate), pem(own?.key), pem(own?.certificate));
}

describe('gRPC over TLS', () => {
  let authority: TestCertificate;
  let issuer: { hosts: string[]; keyObject: TestCertificate['keyObject'] };

  beforeEach(() => {
    authority = makeCertificate({ hosts: ['root'], isCa: true });
    issuer = { hosts: ['root'], keyObject: authority.keyObject };
  });

  it('speaks with a server whose certificate is for the name that was called, whatever its address', async () => {
    const server = keep(await secureServer(makeCertificate({ hosts: [host], issuer })));
    const mesh = await meshOf(server);
    const client = keep(mesh.grpc.client(TestService, `${host}:9080`, { credentials: trusting(authority) }));
    expect((await unary(client)).response?.username).toBe('a');
  });

  it('proves itself with a certificate of its own', async () => {
    const server = keep(await secureServer(makeCertificate({ hosts: [host], issuer }), authority));
    const mesh = await meshOf(server);
    const own = makeCertificate({ hosts: ['caller'], issuer });
    const client = keep(mesh.grpc.client(TestService, `${host}:9080`, { credentials: trusting(authority, own) }));
    expect((await unary(client)).response?.username).toBe('a');
    const stranger = keep(mesh.grpc.client(TestService, `${host}:9080`, { credentials: trusting(authority) }));
    expect((await unary(stranger)).status.code).toBe(status.UNAVAILABLE);
    expect(server.seen).toHaveLength(1);
  });

  it.each([
    ['another name', { hosts: ['ratings.default.svc.cluster.local'] }],
    ['a time that is over', { hosts: [host], notAfter: new Date(Date.now() - 1000) }],
  ])('refuses a certificate for %s', async (_what, options) => {
    const server = keep(await secureServer(makeCertificate({ ...options, issuer })));
    const mesh = await meshOf(server);
    const client = keep(mesh.grpc.client(TestService, `${host}:9080`, { credentials: trusting(authority) }));
    expect((await unary(client)).status).toMatchObject({
      code: status.UNAVAILABLE,
      details: expect.stringMatching(/certificate|altnames/i),
    });
    expect(server.seen).toEqual([]);
  });

  it('refuses a certificate of an authority that it does not trust, and never goes on in the clear', async () => {
    const server = keep(await secureServer(makeCertificate({ hosts: [host], issuer })));
    const mesh = await meshOf(server);
    const other = makeCertificate({ hosts: ['other root'], isCa: true });
    const distrusting = keep(mesh.grpc.client(TestService, `${host}:9080`, { credentials: trusting(other) }));
    expect((await unary(distrusting)).status.code).toBe(status.UNAVAILABLE);
    const bySystem = keep(mesh.grpc.client(TestService, `https://${host}:9080`));
    expect((await unary(bySystem)).status.code).toBe(status.UNAVAILABLE);
    expect(server.seen).toEqual([]);
  });
});
