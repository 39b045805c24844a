import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { derOf, FakeWorkloadApi, svidOf } from '../../../../test/support/fake-workload-api.js';
import { IdentityFolder } from '../../../../test/support/identity-folder.js';
import { keep } from '../../../../test/support/keep.js';
import { certificatesOf, MeshAuthority } from '../../../../test/support/mesh-authority.js';
import type { Identity } from '../../src/identity/identity.js';
import { openIdentity } from '../../src/identity/open-identity.js';
import { trustOf } from '../../src/identity/trust.js';
import { verifyPeer } from '../../src/identity/verify-peer.js';
import { SystemClock } from '../../src/runtime/system-clock.js';

const authority = new MeshAuthority();
const other = new MeshAuthority('other.org');

function documentOf(sequence: number, ...authorities: MeshAuthority[]): string {
  const keys = authorities.map(({ bundle }) => {
    const [certificate] = certificatesOf(bundle);
    return { kty: 'EC', use: 'x509-svid', x5c: [certificate!.raw.toString('base64')] };
  });
  return JSON.stringify({ keys, spiffe_sequence: sequence, spiffe_refresh_hint: 60 });
}

const options = () => {
  const lines: string[] = [];
  const log = (message: string, fields?: object) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const clock = new SystemClock({ keepsProcessAlive: false });
  return { lines, options: { clock, random: () => 0.5, logger: { info: log, warn: log, error: log }, nodeId: 'test' } };
};

/** An identity in files, federated with other.org by a file. */
async function federated(text: string | undefined, domain = 'other.org') {
  const folder = keep(new IdentityFolder(authority.issue('shop')));
  const path = join(folder.path, 'other.json');
  if (text !== undefined) folder.write('other.json', text);
  const { lines, options: given } = options();
  const source = keep((await openIdentity({ folder: folder.path, federated: { [domain]: path } }, given))!);
  const news: Identity[] = [];
  source.onChange((identity) => news.push(identity));
  const write = (next: string) => folder.write('other.json', next);
  return { source, folder, path, lines, news, write, bundle: () => source.current?.bundles.get(domain) };
}

describe('federation', () => {
  it.each([
    ['PEM', () => other.bundle],
    ['a SPIFFE bundle document', () => documentOf(1, other)],
  ])('with another trust domain is by its authorities, in %s', async (_form, text) => {
    const { source, bundle } = await federated(text());
    expect(source.problem).toBeUndefined();
    expect(bundle()).toEqual([other.bundle]);
    expect([...source.current!.bundles.keys()].sort()).toEqual(['cluster.local', 'other.org']);
    expect(source.current).toBe(source.current);
  });

  it('has each peer checked by the authorities of its own trust domain alone', async () => {
    const { source } = await federated(other.bundle);
    const bundles = trustOf(source.current!);
    const check = ({ chain }: { chain: string }) => verifyPeer(certificatesOf(chain), bundles, Date.now());
    expect(check(other.issue('shop')).ok).toBe(true);
    const forged = { uris: ['spiffe://cluster.local/ns/default/sa/admin'] };
    expect(check(other.issue('admin', forged))).toMatchObject({ ok: false, reason: 'unknown_authority' });
    const back = { uris: ['spiffe://other.org/ns/default/sa/admin'] };
    expect(check(authority.issue('admin', back))).toMatchObject({ ok: false, reason: 'unknown_authority' });
  });

  it('follows its file, and goes with each new certificate', async () => {
    const { source, write, news, folder, bundle } = await federated(documentOf(1, other));
    const next = new MeshAuthority('other.org');
    write(documentOf(2, other, next));
    await expect.poll(bundle, { timeout: 5000 }).toEqual([other.bundle, next.bundle]);
    expect(news.at(-1)).toBe(source.current);
    folder.swap(authority.issue('rotated'));
    await expect.poll(() => news.at(-1)?.certificate?.identity.serviceAccount, { timeout: 5000 }).toBe('rotated');
    expect(bundle()).toEqual([other.bundle, next.bundle]);
  });

  it.each([
    ['cut short', () => documentOf(6, other).slice(0, -20), 'it is no JSON'],
    ['empty', () => '', 'there is no certificate in it'],
    ['of garbage', () => 'garbage', 'there is no certificate in it'],
    ['older', () => documentOf(4, new MeshAuthority('other.org')), 'spiffe_sequence: 4 is older than 5'],
  ])('stays as it was while its file is %s', async (_what, spoilt, reason) => {
    const { source, write, bundle, path, lines } = await federated(documentOf(5, other));
    const { current } = source;
    write(spoilt());
    await expect.poll(() => source.problem, { timeout: 5000 }).toContain(`federated other.org: ${path}: `);
    expect(source.problem).toContain(reason);
    expect(source.current).toBe(current);
    expect(lines.at(-1)).toContain('the old ones stay in use');
    const next = new MeshAuthority('other.org');
    write(documentOf(6, next));
    await expect.poll(bundle, { timeout: 5000 }).toEqual([next.bundle]);
    expect(source.problem).toBeUndefined();
  });

  it('begins when its file comes, and stays when it goes', async () => {
    const { source, write, bundle, path } = await federated(undefined);
    expect(source.current?.certificate?.identity.serviceAccount).toBe('shop');
    expect(source.problem).toContain(path);
    write(other.bundle);
    await expect.poll(bundle, { timeout: 5000 }).toEqual([other.bundle]);
    expect(source.problem).toBeUndefined();
    rmSync(path);
    await expect.poll(() => source.problem, { timeout: 5000 }).toContain('ENOENT');
    expect(bundle()).toEqual([other.bundle]);
  });

  it('cannot say who signs for the own trust domain', async () => {
    const { source } = await federated(new MeshAuthority().bundle, 'cluster.local');
    expect(source.current?.bundles).toEqual(new Map([['cluster.local', [authority.bundle]]]));
    expect(source.problem).toContain('federated cluster.local is not used');
  });

  it('stands beside any source, whose own word on a domain goes first', async () => {
    const folder = keep(new IdentityFolder());
    folder.write('other.pem', new MeshAuthority('other.org').bundle);
    folder.write('third.pem', new MeshAuthority('third.org').bundle);
    const api = keep(await new FakeWorkloadApi().start());
    api.deliver({
      svids: [svidOf(authority.issue('shop'))],
      federatedBundles: { 'spiffe://other.org': derOf(other.bundle) },
    });
    const paths = { 'other.org': join(folder.path, 'other.pem'), 'third.org': join(folder.path, 'third.pem') };
    const source = keep((await openIdentity({ workloadApi: api.address, federated: paths }, options().options))!);
    expect([...source.current!.bundles.keys()].sort()).toEqual(['cluster.local', 'other.org', 'third.org']);
    expect(source.current!.bundles.get('other.org')).toEqual([other.bundle]);
    expect(source.problem).toContain('federated other.org is not used');
  });
});
