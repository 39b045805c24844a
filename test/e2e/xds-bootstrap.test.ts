import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { ServerCredentials, status } from '@grpc/grpc-js';
import { type ClusterLoadAssignment, ClusterLoadAssignmentSchema } from '@inmesh/xds/messages';
import { AdsServer, SnapshotCache } from '@inmesh/xds/server';
import { createMesh, type GrpcXdsServer, type Mesh } from 'inmesh';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { grpcServer } from '../../packages/sdk/test/grpc/interop-server.js';
import { TestService } from '../../packages/sdk/test/grpc/interop-service.js';
import { unary } from '../../packages/sdk/test/grpc/support.js';
import {
  clusterMessage,
  lbEndpoint,
  listenerMessage,
  resourceSet,
  routeMessage,
} from '../../packages/xds/test/fixtures.js';
import { startGrpcServer } from '../../packages/xds/test/grpc-server.js';
import { type Backend, startBackend } from '../support/backends.js';
import { makeCertificate } from '../support/certificates.js';
import { freePorts } from '../support/free-ports.js';

const open: { close(): unknown }[] = [];

afterEach(async () => {
  vi.unstubAllEnvs();
  for (const one of open.splice(0).reverse()) await one.close();
});

function keep<T extends { close(): unknown }>(one: T): T {
  open.push(one);
  return one;
}

const silent = { info() {}, warn() {}, error() {} };

/** A config server with hosts, each by the name of its listener and the port of its one endpoint. */
async function serve(
  hosts: Readonly<Record<string, number>>,
  { port = 0, credentials }: { port?: number; credentials?: ServerCredentials } = {},
): Promise<{ address: string; ads: AdsServer; close(): void }> {
  const cache = new SnapshotCache();
  const names = Object.keys(hosts);
  cache.setSnapshot(
    resourceSet({
      listeners: names.map((name) => listenerMessage(name, partOf(name, 'route'))),
      routes: names.map((name) => routeMessage(partOf(name, 'route'), partOf(name, 'cluster'))),
      clusters: names.map((name) => clusterMessage(partOf(name, 'cluster'))),
      assignments: Object.entries(hosts).map(([name, to]) => assignment(partOf(name, 'cluster'), to)),
    }),
  );
  const ads = new AdsServer({ cache, logger: silent });
  const { address, kill } = await startGrpcServer((grpc) => ads.addTo(grpc), port, credentials);
  return keep({ address, ads, close: kill });
}

/** Of the same authority as the listener. */
function partOf(listener: string, part: string): string {
  const renamed = listener.replace('listener.v3.Listener', part);
  return renamed === listener ? `${part} of ${listener}` : renamed;
}

function assignment(clusterName: string, port: number): ClusterLoadAssignment {
  return create(ClusterLoadAssignmentSchema, {
    clusterName,
    endpoints: [{ locality: { region: 'r' }, lbEndpoints: [lbEndpoint('127.0.0.1', port)] }],
  });
}

const insecure = [{ type: 'insecure' }];

function server(server_uri: string): GrpcXdsServer {
  return { server_uri, channel_creds: insecure };
}

async function textOf(mesh: Mesh, url: string): Promise<string> {
  return (await mesh.fetch(url)).text();
}

async function backend(version: string): Promise<Backend> {
  return keep(await startBackend('reviews', version));
}

describe('a gRPC bootstrap file', () => {
  it('leads to a config server by TLS', async () => {
    const ca = makeCertificate({ hosts: ['ca'], isCa: true });
    const issuer = { hosts: ['ca'], keyObject: ca.keyObject };
    const { key, certificate } = makeCertificate({ hosts: ['127.0.0.1'], issuer });
    const pair = { private_key: Buffer.from(key), cert_chain: Buffer.from(certificate) };
    const credentials = ServerCredentials.createSsl(null, [pair]);
    const { address } = await serve({ 'reviews:9080': (await backend('v1')).port }, { credentials });
    const folder = mkdtempSync(join(tmpdir(), 'inmesh-bootstrap-'));
    keep({ close: () => rmSync(folder, { recursive: true }) });
    const tls = { type: 'tls', config: { ca_certificate_file: join(folder, 'ca.pem') } };
    writeFileSync(join(folder, 'ca.pem'), ca.certificate);
    const path = join(folder, 'bootstrap.json');
    writeFileSync(path, JSON.stringify({ xds_servers: [{ server_uri: address, channel_creds: [tls] }] }));
    vi.stubEnv('GRPC_XDS_BOOTSTRAP', path);
    const mesh = keep(await createMesh());
    await mesh.ready();
    expect(await textOf(mesh, 'http://reviews:9080/')).toBe('v1');
  });
});

describe('the node of a bootstrap', () => {
  it('goes before what the SDK knows by itself', async () => {
    const { address, ads } = await serve({});
    const node = { id: 'n1', cluster: 'c1', locality: { region: 'r1' }, metadata: { NAMESPACE: 'shop', team: 'a' } };
    const mesh = keep(await createMesh({ xds: { xds_servers: [server(address)], node }, namespace: 'other' }));
    await mesh.ready();
    expect(ads.clients()[0]?.node).toMatchObject({
      id: 'n1',
      cluster: 'c1',
      locality: { region: 'r1' },
      metadata: { NAMESPACE: 'shop', team: 'a', GENERATOR: 'grpc' },
    });
  });
});

describe('a config server without a configuration', () => {
  it('is the reason why there is none, until it has one', async () => {
    const cache = new SnapshotCache();
    const ads = new AdsServer({ cache, logger: silent });
    const { address, kill } = await startGrpcServer((grpc) => ads.addTo(grpc));
    keep({ close: kill });
    const mesh = keep(await createMesh({ xds: address }));
    const reason = `connected to ${address}, which has sent no complete configuration yet`;
    await expect.poll(() => mesh.status().problem).toBe(reason);
    await expect(mesh.ready({ timeoutMs: 1 })).rejects.toThrow(reason);
    cache.setSnapshot(resourceSet({}));
    await mesh.ready();
    expect(mesh.status().problem).toBeUndefined();
  });
});

describe('several config servers', () => {
  it('are tried in their order, and the first is listened to again once it is there', async () => {
    const [port = 0] = await freePorts(1);
    const fallback = await serve({ 'reviews:9080': (await backend('of the second')).port });
    const mesh = keep(await createMesh({ xds: [`127.0.0.1:${port}`, fallback.address], random: () => 0.05 }));
    await mesh.ready();
    expect(await textOf(mesh, 'http://reviews:9080/')).toBe('of the second');
    expect(mesh.status().server).toBe(fallback.address);
    await serve({ 'reviews:9080': (await backend('of the first')).port }, { port });
    await expect.poll(() => textOf(mesh, 'http://reviews:9080/'), { timeout: 20_000 }).toBe('of the first');
    expect(mesh.status().server).toBe(`127.0.0.1:${port}`);
  });

  it('are all named in the reason when none is there', async () => {
    const [first = 0, second = 0] = await freePorts(2);
    const mesh = keep(await createMesh({ xds: [`127.0.0.1:${first}`, `127.0.0.1:${second}`] }));
    const reason = new RegExp(`127.0.0.1:${first}: .*ECONNREFUSED.*; 127.0.0.1:${second}: .*ECONNREFUSED`);
    await expect.poll(() => mesh.status().problem).toMatch(reason);
  });
});

describe('a config server that is asked by name', () => {
  it('is asked for the hosts that are called; others are called as DNS resolves them', async () => {
    const [reviews, outside] = [await backend('of the mesh'), await backend('outside')];
    const { address } = await serve({ 'grpc/reviews:9080': reviews.port, unrelated: 1 });
    const xds = { xds_servers: [server(address)], client_default_listener_resource_name_template: 'grpc/%s' };
    const mesh = keep(await createMesh({ xds }));
    expect(await textOf(mesh, 'http://reviews:9080/')).toBe('of the mesh');
    expect(await textOf(mesh, `http://localhost:${outside.port}/`)).toBe('outside');
    expect(mesh.explain('http://unrelated/').toString()).not.toContain('cluster of unrelated');
  });

  it('leaves a copy of what was called for a start without it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'inmesh-bootstrap-'));
    keep({ close: () => rmSync(folder, { recursive: true }) });
    const first = await serve({ 'reviews:9080': (await backend('v1')).port });
    const options = {
      xds: { xds_servers: [server(first.address)], client_default_listener_resource_name_template: '%s' },
      lastGoodCopy: join(folder, 'copy'),
    };
    const before = await createMesh(options);
    expect(await textOf(before, 'http://reviews:9080/')).toBe('v1');
    await before.close();
    first.close();
    const warned = vi.spyOn(process, 'emitWarning').mockReturnValue();
    const after = keep(await createMesh(options));
    expect(await textOf(after, 'http://reviews:9080/')).toBe('v1');
    expect(warned).toHaveBeenCalledWith(expect.stringContaining('a copy of the last good'), 'InmeshWarning');
    warned.mockRestore();
  });

  it('is that of the authority of a target, and a target without a listener fails with the reason', async () => {
    const grpc = keep(await grpcServer());
    const listener = 'xdstp://team.example/envoy.config.listener.v3.Listener/reviews:9080';
    const team = await serve({ [listener]: grpc.port });
    const main = await serve({});
    const xds = {
      xds_servers: [server(main.address)],
      authorities: { 'team.example': { xds_servers: [server(team.address)] } },
    };
    const mesh = keep(await createMesh({ xds }));
    const client = keep(mesh.grpc.client(TestService, 'xds://team.example/reviews:9080'));
    expect((await unary(client)).response).toBeDefined();
    const nobody = keep(mesh.grpc.client(TestService, 'xds:///nobody:1'));
    expect((await unary(nobody)).error).toMatchObject({
      code: status.UNAVAILABLE,
      details: expect.stringContaining('listener nobody:1: the config server says that it does not exist'),
    });
    expect(() => mesh.grpc.channel('xds://others/reviews:9080')).toThrow('it has team.example');
  });
});
