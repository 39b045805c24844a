import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { IdentityFolder } from '../../../../test/support/identity-folder.js';
import { MeshAuthority, type TestIdentity } from '../../../../test/support/mesh-authority.js';
import { FileIdentity } from '../../src/identity/file-identity.js';
import type { IdentityLocation } from '../../src/identity/identity-files.js';
import { silentLogger } from '../../src/logger.js';
import { SystemClock } from '../../src/runtime/system-clock.js';

const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

const authority = new MeshAuthority();
const hour = 3600_000;

function folderOf(identity?: TestIdentity, parent?: string): IdentityFolder {
  const folder = new IdentityFolder(identity, parent);
  open.push(folder);
  return folder;
}

function locate(folder: string): string {
  return join(folder, readdirSync(folder).find((name) => name.includes('key'))!);
}

function identityOf(location: IdentityLocation) {
  const lines: string[] = [];
  const log = (message: string, fields?: object) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const clock = new SystemClock({ keepsProcessAlive: false });
  const source = new FileIdentity(location, { clock, logger: { info: log, warn: log, error: log } });
  open.push(source);
  return { source, lines };
}

async function watched(folder: IdentityFolder) {
  const { source, lines } = identityOf(folder.path);
  await source.open();
  source.start();
  return { source, lines };
}

describe('an identity in files', () => {
  it.each([
    ['Istio', 'cert-chain.pem', 'key.pem', 'root-cert.pem'],
    ["cert-manager's CSI driver", 'tls.crt', 'tls.key', 'ca.crt'],
    ["SPIFFE's helper", 'svid.pem', 'svid_key.pem', 'svid_bundle.pem'],
  ])('is read as %s names them', async (_who, certificate, key, authorities) => {
    const folder = folderOf();
    const shop = authority.issueByIntermediate('shop');
    folder.write(certificate, shop.chain);
    folder.write(key, shop.key);
    folder.write(authorities, shop.bundle);
    const { source } = identityOf(folder.path);
    await source.open();
    expect(source.problem).toBeUndefined();
    expect(source.current).toMatchObject({ certificate: { identity: { spiffeId: shop.spiffeId } } });
    expect(source.current!.certificate!.certificateChain).toBe(shop.chain);
    expect([...source.current!.bundles]).toEqual([['cluster.local', [authority.bundle]]]);
  });

  it('may name its files', async () => {
    const folder = folderOf();
    const shop = authority.issue('shop');
    for (const [name, text] of Object.entries({ c: shop.chain, k: shop.key, a: shop.bundle })) folder.write(name, text);
    const at = (name: string) => join(folder.path, name);
    const { source } = identityOf({ certificate: at('c'), key: at('k'), authorities: at('a') });
    await source.open();
    expect(source.current?.certificate?.identity.spiffeId).toBe(shop.spiffeId);
  });

  it('is read again when its volume is exchanged, and tells of it', async () => {
    const folder = folderOf(authority.issue('shop'));
    const { source } = await watched(folder);
    const seen: string[] = [];
    source.onChange((identity) => seen.push(identity.certificate!.identity.serviceAccount));
    for (const name of ['a', 'b', 'c']) {
      folder.swap(authority.issue(name));
      await expect.poll(() => seen.at(-1), { interval: 5 }).toBe(name);
    }
    expect(source.problem).toBeUndefined();
  });

  it('keeps the old pair until all files of a new one are there, when they are written one by one', async () => {
    const folder = folderOf(authority.issue('shop'));
    const { source } = await watched(folder);
    const next = authority.issue('next');
    const { current } = source;
    folder.write('key.pem', next.key);
    await expect.poll(() => source.problem).toContain('key.pem is not the key of');
    expect(source.current).toBe(current);
    folder.write('cert-chain.pem', next.chain);
    await expect.poll(() => source.current?.certificate?.identity.serviceAccount).toBe('next');
    expect(source.problem).toBeUndefined();
  });

  it.each<[string, (good: TestIdentity) => Partial<TestIdentity>, string]>([
    ['a key that is half written', ({ key }) => ({ key: key.slice(0, 100) }), 'key.pem is no private key'],
    ['an empty key', () => ({ key: '' }), 'key.pem is no private key'],
    [
      'a certificate that is half written',
      ({ chain }) => ({ chain: chain.slice(0, 300) }),
      'cert-chain.pem: block 1 is cut short',
    ],
    ['an empty certificate', () => ({ chain: '' }), 'cert-chain.pem: there is no certificate in it'],
    ['a pair that does not match', () => ({ key: authority.issue('shop').key }), 'is not the key of'],
    [
      'a bundle that is cut short',
      ({ bundle }) => ({ bundle: bundle + bundle.slice(0, 99) }),
      'root-cert.pem: block 2 is cut short',
    ],
    ['a bundle of garbage', () => ({ bundle: 'garbage' }), 'root-cert.pem: there is no certificate in it'],
    [
      'garbage between the lines of a bundle',
      ({ bundle }) => ({ bundle: bundle + bundle.replace(/\n[^-]+\n/, '\nZ2FyYmFnZQ==\n') }),
      'root-cert.pem: block 2 is no certificate',
    ],
    ['a key in the bundle', ({ key }) => ({ bundle: key }), 'block 1 is a PRIVATE KEY'],
    [
      'a bundle of other authorities',
      () => ({ bundle: new MeshAuthority().bundle }),
      'no authority of its trust domain',
    ],
    [
      'a certificate that has expired',
      () => authority.issue('shop', { notAfter: new Date(Date.now() - 5000) }),
      'was valid until',
    ],
    ['a certificate without a SPIFFE ID', () => authority.issue('shop', { uris: [] }), 'it has no SPIFFE ID'],
  ])('keeps the old pair when it finds %s, says why, and shows nothing of a key', async (_what, spoil, reason) => {
    const good = authority.issue('shop');
    const folder = folderOf(good);
    const { source, lines } = await watched(folder);
    const { current } = source;
    const spoilt = { ...good, ...spoil(good) };
    folder.swap(spoilt);
    await expect.poll(() => source.problem, { interval: 5 }).toContain(reason);
    expect(source.current).toBe(current);
    expect(lines.at(-1)).toContain('the old one stays in use');
    const secret = `${good.key}${spoilt.key}`.split('\n').filter((line) => line.length > 20 && !line.startsWith('-'));
    for (const line of secret) expect(`${lines}${source.problem}${JSON.stringify(source.problem)}`).not.toContain(line);
    folder.swap(authority.issue('mended'));
    await expect.poll(() => source.current?.certificate?.identity.serviceAccount).toBe('mended');
    expect(source.problem).toBeUndefined();
  });

  it('is not taken at the start while others may read the key, and the error has the command that mends it', async () => {
    const folder = folderOf(authority.issue('shop'));
    const key = join(folder.path, 'key.pem');
    chmodSync(key, 0o644);
    await expect(identityOf(folder.path).source.open()).rejects.toMatchObject({
      reason: 'invalid_request',
      message: expect.stringContaining('mode 0644'),
      hint: `chmod 600 ${key}`,
    });
    chmodSync(key, 0o600);
    await expect(identityOf(folder.path).source.open()).resolves.toBeUndefined();
  });

  it('stays the old one while others may read the new key', async () => {
    const folder = folderOf(authority.issue('shop'));
    const { source } = await watched(folder);
    folder.swap(authority.issue('next'), 0o640);
    await expect.poll(() => source.problem).toContain('chmod 600');
    expect(source.current?.certificate?.identity.serviceAccount).toBe('shop');
    chmodSync(join(folder.path, 'key.pem'), 0o600);
    await expect.poll(() => source.current?.certificate?.identity.serviceAccount, { timeout: 5000 }).toBe('next');
  });

  it('stays in use when others may read its key from now on, and the problem says what mends it', async () => {
    const folder = folderOf(authority.issue('shop'));
    const { source, lines } = await watched(folder);
    const { current } = source;
    const key = join(folder.path, 'key.pem');
    chmodSync(key, 0o644);
    await expect.poll(() => source.problem, { timeout: 5000 }).toContain(`mode 0644); chmod 600 ${key}`);
    expect(source.current).toBe(current);
    expect(lines.at(-1)).toContain('the old one stays in use');
    chmodSync(key, 0o600);
    await expect.poll(() => source.problem, { timeout: 5000 }).toBeUndefined();
  });

  it.each<[string, RegExp, string]>([
    ['key', /^ERR_OSSL_/, 'key.pem is no private key'],
    ['certificate', /^ERR_OSSL_/, 'cert-chain.pem: block 1 is no certificate'],
  ])('has the code of OpenSSL in what it says of a %s of garbage', async (what, code, reason) => {
    const good = authority.issue('shop');
    const garbage = (pem: string) => pem.replace(/\n[^-]+\n/, '\nZ2FyYmFnZQ==\n');
    const folder = folderOf(good);
    const { source } = await watched(folder);
    folder.swap(what === 'key' ? { ...good, key: garbage(good.key) } : { ...good, chain: garbage(good.chain) });
    await expect.poll(() => source.problem, { interval: 5 }).toContain(reason);
    expect(/\((.*)\)/.exec(source.problem!)?.[1]).toMatch(code);
  });

  it('is found again when its folder was replaced by another', async () => {
    const folder = folderOf(authority.issue('shop'));
    const { source } = await watched(folder);
    const other = folderOf(authority.issue('next'));
    renameSync(folder.path, `${folder.path}.old`);
    open.push({ close: () => rmSync(`${folder.path}.old`, { recursive: true }) });
    await expect.poll(() => source.problem, { timeout: 5000 }).toContain('has no certificate');
    expect(source.current?.certificate?.identity.serviceAccount).toBe('shop');
    renameSync(other.path, folder.path);
    await expect.poll(() => source.current?.certificate?.identity.serviceAccount, { timeout: 5000 }).toBe('next');
    folder.write('root-cert.pem', 'garbage');
    await expect.poll(() => source.problem, { timeout: 5000 }).toContain('root-cert.pem: there is no certificate');
  });

  it('stays while its key is a pipe, and is taken again when it is a file', async () => {
    const folder = folderOf(authority.issue('shop'));
    const { source } = await watched(folder);
    const old = source.current;
    const key = locate(folder.path);
    const text = readFileSync(key, 'utf8');
    rmSync(key);
    execFileSync('mkfifo', ['-m', '600', key]);
    await expect.poll(() => source.problem).toContain(`${key} is no regular file`);
    expect(source.current).toBe(old);
    rmSync(key);
    writeFileSync(key, text, { mode: 0o600 });
    await expect.poll(() => source.problem).toBeUndefined();
  });

  it('may be in a volume of Kubernetes, whose files all may read', async () => {
    const folder = folderOf(undefined, '/dev/shm');
    folder.swap(authority.issue('shop'), 0o644);
    const { source } = identityOf(folder.path);
    await source.open();
    expect(source.current?.certificate?.identity.serviceAccount).toBe('shop');
  });

  it('may come after the start', async () => {
    const folder = folderOf();
    const { source } = await watched(folder);
    expect(source.current).toBeUndefined();
    expect(source.problem).toContain('has no certificate');
    folder.swap(authority.issue('shop'));
    await expect.poll(() => source.current?.certificate?.identity.serviceAccount).toBe('shop');
  });

  it('stays when its files are removed', async () => {
    const folder = folderOf(authority.issue('shop'));
    const { source } = await watched(folder);
    rmSync(join(folder.path, 'root-cert.pem'));
    await expect.poll(() => source.problem, { timeout: 5000 }).toContain('root-cert.pem');
    expect(source.current?.certificate?.identity.serviceAccount).toBe('shop');
  });

  it('says that it has expired once it has', async () => {
    const folder = folderOf(authority.issue('shop'));
    let now = Date.now();
    const clock = new SystemClock({ keepsProcessAlive: false });
    const logger = { info() {}, warn() {}, error() {} };
    const source = new FileIdentity(folder.path, { clock, logger, wallClock: () => now });
    await source.open();
    expect(source.problem).toBeUndefined();
    now += 2 * 366 * 24 * 3600_000;
    expect(source.problem).toContain('has expired at');
  });

  it.each([
    [60, 'was valid until'],
    [-60, 'is valid from'],
  ])('is not taken while the time of day is off by %d days, and is once it is set', async (days, reason) => {
    const day = 24 * hour;
    const dates = { notBefore: new Date(Date.now() - hour), notAfter: new Date(Date.now() + day) };
    const folder = folderOf(authority.issue('shop', dates));
    let off = days * day;
    const clock = new SystemClock({ keepsProcessAlive: false });
    const source = new FileIdentity(folder.path, { clock, logger: silentLogger, wallClock: () => Date.now() + off });
    await source.open();
    expect(source.problem).toContain(reason);
    expect(source.current).toBeUndefined();
    off = 0;
    await source.look();
    expect(source.problem).toBeUndefined();
    expect(source.current?.certificate?.identity.serviceAccount).toBe('shop');
  });

  it('is taken whole or not at all while it is rewritten without end', async () => {
    const folder = folderOf(authority.issue('shop'));
    const { source } = await watched(folder);
    const pairs = ['a', 'b'].map((name) => authority.issue(name));
    const seen = new Set<string>();
    source.onChange(({ certificate }) => seen.add(certificate!.identity.serviceAccount));
    for (let i = 0; i < 200; i += 1) {
      const { chain, key } = pairs[i % 2]!;
      writeFileSync(join(folder.path, 'cert-chain.pem'), chain);
      await new Promise((resolve) => setImmediate(resolve));
      writeFileSync(join(folder.path, 'key.pem'), key);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await expect.poll(() => source.current?.certificate?.identity.serviceAccount).toBe('b');
    for (const name of seen) expect(['a', 'b']).toContain(name);
  });
});
