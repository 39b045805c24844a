import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { FakeClock } from '@inmesh/core/testing';
import { describe, expect, it } from 'vitest';
import {
  domainsSecret,
  FakeSecrets,
  otherType,
  pairSecret,
  trustSecret,
} from '../../../../test/support/fake-secrets.js';
import { keep } from '../../../../test/support/keep.js';
import { MeshAuthority } from '../../../../test/support/mesh-authority.js';
import { openIdentity } from '../../src/identity/open-identity.js';
import type { SecretsLocation } from '../../src/identity/sds-source.js';

const authority = new MeshAuthority();
const trust = trustSecret(authority.bundle);

async function connect(server: FakeSecrets, location: Partial<SecretsLocation> = {}) {
  const clock = new FakeClock();
  const lines: string[] = [];
  const log = (message: string, fields?: object) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const source = keep(
    (await openIdentity(
      { sds: server.address, ...location },
      { clock, random: () => 0.5, logger: { info: log, warn: log, error: log }, nodeId: 'shop.default' },
    ))!,
  );
  return { source, clock, lines, nameOf: () => source.current?.certificate?.identity.serviceAccount };
}

async function serverWith(...secrets: Parameters<FakeSecrets['deliver']>[0]): Promise<FakeSecrets> {
  const server = keep(await new FakeSecrets().start());
  server.deliver(secrets);
  return server;
}

const shopServer = () => serverWith(pairSecret(authority.issueByIntermediate('shop')), trust);

describe('the identity of a server of secrets', () => {
  it('is the secret "default", trusted by "ROOTCA", both acknowledged', async () => {
    const shop = authority.issueByIntermediate('shop');
    const server = await serverWith(pairSecret(shop), trust);
    const { source } = await connect(server);
    expect(source.problem).toBeUndefined();
    expect(source.current?.certificate).toMatchObject({ certificateChain: shop.chain });
    expect(source.current?.certificate?.privateKey).toBe(shop.key);
    expect(source.current?.bundles).toEqual(new Map([['cluster.local', [authority.bundle]]]));
    await expect.poll(() => server.answers).toEqual([undefined]);
    const [first, second] = server.requests;
    expect(first).toMatchObject({ resourceNames: ['default', 'ROOTCA'], node: { id: 'shop.default' } });
    expect(second).toMatchObject({ versionInfo: 'v1', responseNonce: 'n1', resourceNames: ['default', 'ROOTCA'] });
  });

  it('may come one secret at a time, at the start and later', async () => {
    const server = keep(await new FakeSecrets().start());
    const opening = connect(server);
    await expect.poll(() => server.requests.length).toBe(1);
    server.deliver([pairSecret(authority.issue('shop'))], false);
    await expect.poll(() => server.answers).toEqual([undefined]);
    server.deliver([trust], false);
    const { nameOf, source } = await opening;
    expect(nameOf()).toBe('shop');
    server.deliver([pairSecret(authority.issue('next'))], false);
    await expect.poll(nameOf).toBe('next');
    const root = new MeshAuthority();
    server.deliver([trustSecret(authority.bundle + root.bundle)], false);
    await expect.poll(() => source.current?.bundles.get('cluster.local')).toEqual([authority.bundle, root.bundle]);
    server.deliver([pairSecret(root.issue('rolled'))], false);
    await expect.poll(nameOf).toBe('rolled');
    expect(server.answers.every((answer) => answer === undefined)).toBe(true);
  });

  it.each<[string, () => Parameters<FakeSecrets['deliver']>[0], string]>([
    [
      'a pair that does not match',
      () => [pairSecret({ ...authority.issue('x'), key: authority.issue('y').key })],
      'key of',
    ],
    [
      'a certificate that is cut short',
      () => [pairSecret({ ...authority.issue('x'), chain: '-----BEGIN CERT' })],
      'cut short',
    ],
    ['a garbage key', () => [pairSecret({ ...authority.issue('x'), key: 'garbage' })], 'is no private key'],
    ['a certificate of other authorities', () => [pairSecret(new MeshAuthority().issue('x'))], 'no authority of its'],
    ['garbage authorities', () => [trustSecret('garbage')], 'the authorities of SDS'],
    ['no authorities', () => [trustSecret('')], 'the authorities of SDS'],
    ['authorities in the place of the pair', () => [trustSecret(authority.bundle, 'default')], 'default of SDS'],
    ['a pair in the place of the authorities', () => [pairSecret(authority.issue('x'), 'ROOTCA')], 'ROOTCA of SDS'],
    ['another type', () => [otherType], 'should be a Secret'],
    ['malformed bytes', () => [{ ...trust, value: new Uint8Array([255]) }], ''],
  ])('is kept, and the response refused, when there comes %s', async (_what, secrets, reason) => {
    const server = await shopServer();
    const { source, nameOf, lines } = await connect(server);
    const { current } = source;
    server.deliver(secrets(), false);
    await expect.poll(() => server.answers.length).toBe(2);
    expect(server.answers[1]).toContain(reason);
    expect(source.problem).toBe(server.answers[1]);
    expect(server.requests.at(-1)).toMatchObject({ versionInfo: 'v1', responseNonce: 'n2' });
    expect(source.current).toBe(current);
    expect(`${lines}${server.answers}`).not.toContain('PRIVATE KEY');
    server.deliver([pairSecret(authority.issue('mended')), trust], false);
    await expect.poll(nameOf).toBe('mended');
    expect(source.problem).toBeUndefined();
    expect(server.answers[2]).toBeUndefined();
  });

  it('passes over secrets that it has not asked for', async () => {
    const { nameOf } = await connect(
      await serverWith(pairSecret(authority.issue('shop')), trust, trustSecret('x', 'other')),
    );
    expect(nameOf()).toBe('shop');
  });

  it("may have the authorities of all trust domains, in SPIRE's form", async () => {
    const other = new MeshAuthority('other.org');
    const bundles = { 'other.org': other.bundle, 'cluster.local': authority.bundle };
    const server = await serverWith(pairSecret(authority.issue('shop')), domainsSecret(bundles));
    const { source } = await connect(server, { names: { authorities: 'ALL' } });
    expect(server.requests[0]!.resourceNames).toEqual(['default', 'ALL']);
    expect([...source.current!.bundles]).toEqual([
      ['cluster.local', [authority.bundle]],
      ['other.org', [other.bundle]],
    ]);
    server.deliver([domainsSecret({ 'other.org': other.bundle })], false);
    await expect.poll(() => source.problem).toContain('has no authorities of cluster.local');
    expect(source.current!.bundles.size).toBe(2);
  });

  it('of the config server is asked for by TLS, with a token that is read for each stream', async () => {
    const server = await shopServer();
    const roots = join(server.folder, 'roots.pem');
    const token = join(server.folder, 'token');
    writeFileSync(roots, server.tls.certificate);
    writeFileSync(token, 'first\n');
    const location = { sds: `localhost:${server.port}`, roots, token: { file: token } };
    const { nameOf, clock } = await connect(server, location);
    expect(nameOf()).toBe('shop');
    writeFileSync(token, 'second');
    server.end();
    await expect.poll(() => clock.pendingTimers).toBe(1);
    clock.advance(500);
    await expect.poll(() => server.metadata.length).toBe(2);
    expect(server.metadata.map((metadata) => metadata.get('authorization'))).toEqual([
      ['Bearer first'],
      ['Bearer second'],
    ]);
  });

  it('is not asked of a server that other roots have signed, and the token is not shown to it', async () => {
    const server = await shopServer();
    const roots = join(server.folder, 'roots.pem');
    writeFileSync(roots, authority.bundle);
    const location = { sds: `localhost:${server.port}`, roots, token: { text: 'secret-token' } };
    const { source, lines } = await connect(server, location);
    expect(source.current).toBeUndefined();
    expect(source.problem).toMatch(/UNAVAILABLE/);
    expect(server.metadata).toEqual([]);
    expect(`${lines}${source.problem}`).not.toContain('secret-token');
  });

  it('says which file is missing, and looks again', async () => {
    const server = await shopServer();
    const roots = join(server.folder, 'roots.pem');
    const { source, clock, nameOf } = await connect(server, { sds: `localhost:${server.port}`, roots });
    expect(source.problem).toContain(roots);
    writeFileSync(roots, server.tls.certificate);
    clock.advance(500);
    await expect.poll(nameOf).toBe('shop');
  });

  it('is not told of again when a new stream brings the same', async () => {
    const server = await shopServer();
    const { source, clock } = await connect(server);
    const { current } = source;
    const news: unknown[] = [];
    source.onChange((identity) => news.push(identity));
    server.end();
    await expect.poll(() => clock.pendingTimers).toBe(1);
    clock.advance(500);
    await expect.poll(() => source.problem).toBeUndefined();
    expect(source.current).toBe(current);
    expect(news).toEqual([]);
  });

  it('is kept when the stream ends, and not asked for again where there is no such service', async () => {
    const server = await shopServer();
    const { source, nameOf, clock } = await connect(server);
    server.end();
    await expect.poll(() => source.problem).toBe('the server ended the stream');
    expect(nameOf()).toBe('shop');
    server.deliver([pairSecret(authority.issue('next')), trust]);
    clock.advance(500);
    await expect.poll(nameOf).toBe('next');
    const none = await connect(keep(await new FakeSecrets().start(status.UNIMPLEMENTED)));
    expect(none.source.problem).toContain('UNIMPLEMENTED');
    expect(none.clock.pendingTimers).toBe(0);
  });
});
