import { status } from '@grpc/grpc-js';
import { FakeClock } from '@inmesh/core/testing';
import { describe, expect, it } from 'vitest';
import { derOf, FakeWorkloadApi, svidOf } from '../../../../test/support/fake-workload-api.js';
import { keep } from '../../../../test/support/keep.js';
import { certificatesOf, MeshAuthority } from '../../../../test/support/mesh-authority.js';
import type { Identity, IdentitySource } from '../../src/identity/identity.js';
import { openIdentity } from '../../src/identity/open-identity.js';
import { endpointTarget } from '../../src/identity/workload-api-endpoint.js';

const authority = new MeshAuthority();
const other = new MeshAuthority('other.org');

interface World {
  readonly api: FakeWorkloadApi;
  readonly source: IdentitySource;
  readonly clock: FakeClock;
  readonly lines: string[];
  readonly news: Identity[];
  nameOf(): string | undefined;
}

/** A source that has had its first answer. Retries wait for the clock, which stands still. */
async function join(prepare: (api: FakeWorkloadApi) => void): Promise<World> {
  const api = keep(await new FakeWorkloadApi().start());
  prepare(api);
  const clock = new FakeClock();
  const lines: string[] = [];
  const log = (message: string, fields?: object) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const source = keep(
    (await openIdentity(
      { workloadApi: api.address },
      { clock, random: () => 0.5, logger: { info: log, warn: log, error: log }, nodeId: 'test' },
    ))!,
  );
  const news: Identity[] = [];
  source.onChange((identity) => news.push(identity));
  const nameOf = () => source.current?.certificate?.identity.serviceAccount;
  return { api, source, clock, lines, news, nameOf };
}

const withShop = (api: FakeWorkloadApi) => api.deliver({ svids: [svidOf(authority.issueByIntermediate('shop'))] });

describe('the identity of a Workload API', () => {
  it('is its first SVID, with the chain, the key and the bundle of that', async () => {
    const shop = authority.issueByIntermediate('shop');
    const { source, api } = await join((started) =>
      started.deliver({ svids: [svidOf(shop), svidOf(authority.issue('second'))] }),
    );
    expect(source.problem).toBeUndefined();
    expect(source.current?.certificate?.privateKey).toBe(shop.key);
    expect(source.current).toMatchObject({
      certificate: {
        certificateChain: shop.chain,
        identity: expect.objectContaining({ spiffeId: shop.spiffeId, serviceAccount: 'shop' }),
        notBefore: expect.any(Number),
        notAfter: Date.parse(certificatesOf(shop.chain)[0]!.validTo),
      },
      bundles: new Map([['cluster.local', [authority.bundle]]]),
    });
    expect(api.metadata.map((metadata) => metadata.get('workload.spiffe.io'))).toEqual([['true']]);
    expect(source.description).toBe(`Workload API ${api.address}`);
  });

  it('is another one with each message of the stream', async () => {
    const { api, news, nameOf, source } = await join(withShop);
    for (const name of ['a', 'b', 'c']) {
      api.deliver({ svids: [svidOf(authority.issue(name))] });
      await expect.poll(nameOf, { interval: 2 }).toBe(name);
    }
    expect(news).toHaveLength(3);
    expect(source.current).toBe(news[2]);
  });

  it('has the bundles of federated domains and of its other SVIDs, and of none that an answer leaves out', async () => {
    const svids = [svidOf(authority.issue('shop')), svidOf(new MeshAuthority('second.org').issue('shop'))];
    const federatedBundles = { 'spiffe://other.org': derOf(other.bundle), 'spiffe://empty.org': new Uint8Array() };
    const { api, source, nameOf } = await join((started) => started.deliver({ svids, federatedBundles }));
    expect(source.current?.bundles.get('other.org')).toEqual([other.bundle]);
    expect([...source.current!.bundles.keys()]).toEqual(['cluster.local', 'second.org', 'other.org']);
    api.deliver({ svids: [svidOf(authority.issue('alone'))] });
    await expect.poll(nameOf).toBe('alone');
    expect([...source.current!.bundles.keys()]).toEqual(['cluster.local']);
  });

  it('has its own authorities from its own SVID alone', async () => {
    const federatedBundles = { 'spiffe://cluster.local': derOf(new MeshAuthority().bundle) };
    const { source } = await join((started) =>
      started.deliver({ svids: [svidOf(authority.issue('shop'))], federatedBundles }),
    );
    expect(source.current?.bundles).toEqual(new Map([['cluster.local', [authority.bundle]]]));
  });

  const good = svidOf(authority.issue('next'));
  const garbage = new Uint8Array([0x30, 0x03, 1, 2, 3]);
  it.each<[string, Parameters<FakeWorkloadApi['deliver']>[0], string]>([
    ['no SVID', { svids: [] }, 'has sent no SVID'],
    ['an SVID without a key', { svids: [{ ...good, x509SvidKey: new Uint8Array() }] }, 'without x509_svid_key'],
    ['an SVID without a name', { svids: [{ ...good, spiffeId: '' }] }, 'without spiffe_id'],
    ['a second SVID without a bundle', { svids: [good, { ...good, bundle: new Uint8Array() }] }, 'without bundle'],
    ['a garbage certificate', { svids: [{ ...good, x509Svid: garbage }] }, 'certificate 1 cannot be read'],
    ['a certificate that is cut short', { svids: [{ ...good, x509Svid: good.x509Svid.slice(0, -9) }] }, 'cut short'],
    ['a garbage key', { svids: [{ ...good, x509SvidKey: good.x509SvidKey.slice(0, -9) }] }, 'is no private key'],
    [
      'the key of another',
      { svids: [{ ...good, x509SvidKey: svidOf(authority.issue('x')).x509SvidKey }] },
      'is not the',
    ],
    ['a garbage bundle', { svids: [{ ...good, bundle: garbage }] }, 'the bundle of'],
    [
      'the bundle of another',
      { svids: [{ ...good, bundle: derOf(other.bundle) }] },
      'no authority of its trust domain',
    ],
    [
      'another name',
      { svids: [{ ...good, spiffeId: 'spiffe://cluster.local/x' }] },
      'is that of spiffe://cluster.local/ns',
    ],
    [
      'two URI names',
      { svids: [svidOf(authority.issue('x', { uris: ['spiffe://cluster.local/a', 'spiffe://cluster.local/b'] }))] },
      '2 URI names',
    ],
    [
      'a garbage federated bundle',
      { svids: [good], federatedBundles: { 'spiffe://x.org': garbage } },
      'spiffe://x.org',
    ],
    ['a federated name that is none', { svids: [good], federatedBundles: { 'x org': derOf(other.bundle) } }, '"x org"'],
  ])('stays when there comes %s, which is told without a key', async (_what, answer, reason) => {
    const { api, source, lines, nameOf, news } = await join(withShop);
    const { current } = source;
    api.deliver(answer);
    await expect.poll(() => source.problem).toContain(reason);
    expect(source.current).toBe(current);
    const said = `${lines}${source.problem}`;
    expect(said).toContain('the old one stays in use');
    expect(said).not.toMatch(/PRIVATE KEY/);
    for (const { x509SvidKey } of answer.svids ?? []) {
      const key = Buffer.from(x509SvidKey ?? []);
      if (key.length > 0) expect(said).not.toContain(key.subarray(-60, -10).toString('base64').slice(4, 40));
    }
    expect(news).toEqual([]);
    api.deliver({ svids: [good] });
    await expect.poll(nameOf).toBe('next');
    expect(source.problem).toBeUndefined();
  });

  it.each([
    ['ends', status.OK, 'the server ended the stream'],
    ['is lost', status.UNAVAILABLE, 'UNAVAILABLE: gone'],
  ])('stays when the stream %s, and is fetched again soon', async (_how, code, problem) => {
    const { api, source, clock, nameOf } = await join(withShop);
    api.end(code, 'gone');
    await expect.poll(() => source.problem).toBe(problem);
    expect(nameOf()).toBe('shop');
    api.deliver({ svids: [svidOf(authority.issue('next'))] });
    clock.advance(499);
    expect(clock.pendingTimers).toBe(1);
    clock.advance(1);
    await expect.poll(nameOf).toBe('next');
    expect(source.problem).toBeUndefined();
  });

  it('is not told of again when a new stream brings the same, whatever the order of its bundles', async () => {
    const svids = [svidOf(authority.issue('shop'))];
    const [a, b] = [new MeshAuthority('a.org'), new MeshAuthority('b.org')].map(({ bundle }) => derOf(bundle));
    const { api, source, clock, news } = await join((started) =>
      started.deliver({ svids, federatedBundles: { 'spiffe://a.org': a!, 'spiffe://b.org': b! } }),
    );
    const { current } = source;
    api.end();
    await expect.poll(() => clock.pendingTimers).toBe(1);
    api.deliver({ svids, federatedBundles: { 'spiffe://b.org': b!, 'spiffe://a.org': a! } });
    clock.advance(500);
    await expect.poll(() => source.problem).toBeUndefined();
    expect(source.current).toBe(current);
    expect(news).toEqual([]);
    api.deliver({ svids, federatedBundles: { 'spiffe://b.org': b! } });
    await expect.poll(() => news.length).toBe(1);
  });

  it('is asked for ever more seldom while the endpoint is away, up to every half minute', async () => {
    const { api, source, clock, nameOf, lines } = await join(withShop);
    api.stop();
    for (const delayMs of [500, 1500, 3500, 7500, 15_000, 15_000]) {
      await expect.poll(() => clock.pendingTimers).toBe(1);
      clock.advance(delayMs - 1);
      expect(clock.pendingTimers).toBe(1);
      clock.advance(1);
      expect(clock.pendingTimers).toBe(0);
    }
    await expect.poll(() => clock.pendingTimers).toBe(1);
    expect(nameOf()).toBe('shop');
    expect(source.problem).toContain('UNAVAILABLE');
    expect(lines.length).toBeLessThan(5);
    await api.start();
    clock.advance(15_000);
    await expect.poll(() => source.problem).toBeUndefined();
  });

  it('is given up when the workload is entitled to none any more, and taken up when it is again', async () => {
    const { api, source, clock, news, lines, nameOf } = await join(withShop);
    api.end(status.PERMISSION_DENIED, 'no identity issued');
    await expect.poll(() => source.problem).toBe('PERMISSION_DENIED: no identity issued');
    expect(source.current).toEqual({
      certificate: undefined,
      bundles: new Map([['cluster.local', [authority.bundle]]]),
    });
    expect(news).toEqual([source.current]);
    expect(lines.at(-1)).toContain('the identity has been taken away');
    clock.advance(500);
    await expect.poll(nameOf).toBe('shop');
    expect(source.problem).toBeUndefined();
  });

  it('may come after the start', async () => {
    const { api, source, clock, nameOf } = await join((started) => {
      started.refusal = { code: status.PERMISSION_DENIED, details: 'no identity issued' };
    });
    expect(source.current).toBeUndefined();
    expect(source.problem).toBe('PERMISSION_DENIED: no identity issued');
    api.refusal = undefined;
    withShop(api);
    clock.advance(500);
    await expect.poll(nameOf).toBe('shop');
  });

  it.each([status.INVALID_ARGUMENT, status.UNIMPLEMENTED])('is not asked for again after status %d', async (code) => {
    const { source, clock } = await join((api) => {
      api.refusal = { code, details: 'no' };
    });
    expect(source.problem).toBe(`${status[code]}: no`);
    expect(clock.pendingTimers).toBe(0);
  });

  it('ends with its source', async () => {
    const { api, source, clock } = await join(withShop);
    expect(api.streams).toBe(1);
    await source.close();
    await expect.poll(() => api.streams).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('the address of a Workload API', () => {
  it.each([
    ['unix:/run/agent.sock', 'unix:/run/agent.sock'],
    ['unix:///run/agent.sock', 'unix:/run/agent.sock'],
    ['unix:///run/a%20b.sock', 'unix:/run/a b.sock'],
    ['tcp://127.0.0.1:8000', 'ipv4:127.0.0.1:8000'],
    ['tcp://[::1]:8000', 'ipv6:[::1]:8000'],
  ])('%s is one', (address, target) => {
    expect(endpointTarget(address)).toBe(target);
  });

  it.each([
    '',
    '/run/agent.sock',
    'unix:run/agent.sock',
    'unix://host/run/agent.sock',
    'unix:///',
    'unix:///run/a%zz',
    'unix:///run/agent.sock?a',
    'unix:///run/agent.sock#a',
    'tcp://127.0.0.1',
    'tcp://127.0.0.1:8000/',
    'tcp://127.0.0.1:8000/foo',
    'tcp://localhost:8000',
    'tcp://user@127.0.0.1:8000',
    'tcp://127.0.0.1:8000?a',
    'http://127.0.0.1:8000',
  ])('%s is none', (address) => {
    expect(() => endpointTarget(address)).toThrow(`${JSON.stringify(address)} is no address of a Workload API`);
  });
});
