import { chmodSync, rmSync } from 'node:fs';
import { FakeClock } from '@inmesh/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { identityOf, makeCsr, openssl, opensslVerify, TemporaryFolder } from '../../test/support/ca.js';
import { openAuthority } from './open-authority.js';

/** OpenSSL makes certificates that are valid from now on. */
const start = Date.now() + 600_000;
const dayMs = 24 * 3_600_000;
const open: { close(): unknown }[] = [];

afterEach(() => {
  for (const one of open.splice(0).reverse()) one.close();
});

function keep<T extends { close(): unknown }>(one: T): T {
  open.push(one);
  return one;
}

interface Made {
  readonly root: string;
  readonly certificate: string;
  readonly key: string;
}

/** A root and an intermediate as an administrator makes them, with OpenSSL. */
function makeOutsideCa(algorithm: readonly string[] = ['EC', '-pkeyopt', 'ec_paramgen_curve:P-256']): Made {
  const folder = keep(new TemporaryFolder());
  const at = (name: string) => `${folder.path}/${name}`;
  const key = (name: string) => openssl(['genpkey', '-algorithm', ...algorithm, '-out', at(name)]);
  key('root.key');
  key('ca.key');
  const extensions = folder.write(
    'ext',
    'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n',
  );
  const usage = ['-addext', 'keyUsage=critical,keyCertSign,cRLSign'];
  const root = ['-key', at('root.key'), '-subj', '/CN=outside', '-days', '90', ...usage, '-out', at('root')];
  openssl(['req', '-x509', '-new', ...root]);
  openssl(['req', '-new', '-key', at('ca.key'), '-subj', '/CN=for inmesh', '-out', at('csr')]);
  const by = ['-CA', at('root'), '-CAkey', at('root.key'), '-CAcreateserial'];
  const certificate = openssl(['x509', '-req', '-in', at('csr'), ...by, '-days', '30', '-extfile', extensions]);
  return { root: openssl(['x509', '-in', at('root')]), certificate, key: openssl(['pkey', '-in', at('ca.key')]) };
}

function write(folder: TemporaryFolder, { root, certificate, key }: Made): void {
  folder.write('root-cert.pem', root);
  folder.write('ca-cert.pem', certificate);
  folder.write('cert-chain.pem', certificate);
  folder.write('ca-key.pem', key);
}

async function openIn(folder: TemporaryFolder) {
  const clock = new FakeClock(start);
  const lines: string[] = [];
  const log = (message: string, fields?: object) => lines.push(`${message} ${JSON.stringify(fields)}`);
  const logger = { info: log, warn: log, error: log };
  const tools = { clock, now: () => clock.now(), logger };
  return { authority: keep(await openAuthority({ folder: folder.path }, tools)), lines, clock };
}

const { csr } = await makeCsr();
const identity = identityOf('spiffe://cluster.local/ns/a/sa/b');

describe('An outside authority', () => {
  it.each([
    ['EC P-256', undefined],
    ['EC P-384', ['EC', '-pkeyopt', 'ec_paramgen_curve:P-384']],
    ['RSA', ['RSA', '-pkeyopt', 'rsa_keygen_bits:2048']],
  ])('of %s signs by the intermediate that it gave', async (_name, algorithm) => {
    const folder = keep(new TemporaryFolder());
    const made = makeOutsideCa(algorithm);
    write(folder, made);
    const { authority } = await openIn(folder);
    const signed = await authority.sign(csr, identity);
    expect(signed).toMatchObject({ ok: true, roots: [made.root] });
    if (!signed.ok) return;
    expect(signed.chain.slice(1)).toEqual([made.certificate]);
    expect(opensslVerify(signed, start)).toBe(true);
  });

  it('in the form of cert-manager is taken as well', async () => {
    const folder = keep(new TemporaryFolder());
    const { root, certificate, key } = makeOutsideCa();
    folder.write('tls.crt', certificate);
    folder.write('tls.key', key);
    folder.write('ca.crt', root);
    const { authority } = await openIn(folder);
    const signed = await authority.sign(csr, identity);
    expect(signed.ok && opensslVerify(signed, start)).toBe(true);
  });

  it('that renews its certificate is followed, and what is half-written is not taken', async () => {
    const folder = keep(new TemporaryFolder());
    const [one, other] = [makeOutsideCa(), makeOutsideCa()];
    write(folder, one);
    const { authority, lines } = await openIn(folder);
    for (const half of [other.key.slice(0, 60), other.key, '']) {
      folder.write('ca-key.pem', half);
      await authority.refresh();
      expect(authority.roots).toEqual([one.root]);
      expect(await authority.sign(csr, identity)).toMatchObject({ ok: true });
    }
    write(folder, other);
    await authority.refresh();
    expect(authority.roots).toEqual([other.root]);
    const signed = await authority.sign(csr, identity);
    expect(signed.ok && opensslVerify(signed, start)).toBe(true);
    for (const line of other.key.split('\n').filter((text) => text.length > 20 && !text.includes('-----'))) {
      expect(lines.join('\n')).not.toContain(line);
    }
  });

  it('gives nothing that outlives it, and nothing when it has expired', async () => {
    const folder = keep(new TemporaryFolder());
    write(folder, makeOutsideCa());
    const { authority, clock } = await openIn(folder);
    clock.advance(29.5 * dayMs);
    const signed = await authority.sign(csr, identity);
    expect(signed.ok && signed.notAfter - clock.now()).toBeLessThan(0.5 * dayMs);
    clock.advance(dayMs);
    expect(await authority.sign(csr, identity)).toMatchObject({ ok: false, reason: 'authority_expired' });
  });

  it('changes its root itself', async () => {
    const folder = keep(new TemporaryFolder());
    write(folder, makeOutsideCa());
    const { authority } = await openIn(folder);
    await expect(authority.rotate()).rejects.toThrow('where it was made');
  });

  it.each<[string, (folder: TemporaryFolder) => void, RegExp]>([
    ['has a key that others may read', ({ path }) => chmodSync(`${path}/ca-key.pem`, 0o644), /run chmod 600 .*ca-key/],
    ['has no root', ({ path }) => rmSync(`${path}/root-cert.pem`), /root-cert\.pem is missing/],
    ['has another root', (folder) => folder.write('root-cert.pem', makeOutsideCa().root), /holds no root/],
    ['has another key', (folder) => folder.write('ca-key.pem', makeOutsideCa().key), /is not the key of .*ca-cert/],
    ['has half a root', (folder) => folder.write('root-cert.pem', '-----BEGIN CERTIFICATE-----\nMII'), /half of one/],
    ['is no authority', (folder) => write(folder, leafAsAuthority()), /is not the certificate of an authority/],
  ])('that %s is refused at the start', async (_name, spoil, message) => {
    const folder = keep(new TemporaryFolder());
    write(folder, makeOutsideCa());
    spoil(folder);
    await expect(openIn(folder)).rejects.toThrow(message);
  });
});

function leafAsAuthority(): Made {
  const folder = keep(new TemporaryFolder());
  const key = openssl(['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256']);
  const request = ['req', '-x509', '-new', '-key', folder.write('key', key), '-subj', '/CN=leaf', '-days', '2'];
  const certificate = openssl([...request, '-addext', 'basicConstraints=critical,CA:FALSE']);
  return { root: certificate, certificate, key };
}
