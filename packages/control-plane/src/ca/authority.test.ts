import { X509Certificate } from 'node:crypto';
import { FakeClock } from '@inmesh/core/testing';
import { BasicConstraintsExtension, Extension, KeyUsageFlags, KeyUsagesExtension } from '@peculiar/x509';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { identityOf, type KeyKind, makeCsr, openssl, opensslVerify, rsa } from '../../test/support/ca.js';
import type { CertificateAuthority, SigningResult } from './authority.js';
import { openAuthority } from './open-authority.js';

const hourMs = 3_600_000;
const start = Date.UTC(2026, 0, 1);
const reviews = identityOf('spiffe://cluster.local/ns/default/sa/reviews');
const open: CertificateAuthority[] = [];

afterEach(() => {
  for (const authority of open.splice(0)) authority.close();
});

async function begin() {
  const clock = new FakeClock(start);
  const logger = { info() {}, warn() {}, error() {} };
  const authority = await openAuthority({}, { clock, now: () => clock.now(), logger });
  open.push(authority);
  /** Goes on in steps in which the authority looks at the time. */
  const pass = async (ms: number) => {
    clock.advance(ms);
    await authority.refresh();
  };
  return { clock, authority, pass };
}

function signed(result: SigningResult) {
  if (!result.ok) throw new Error(result.detail);
  return result;
}

const { csr } = await makeCsr();

function publicKeyOf(certificate: string): string {
  return new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' }).toString('hex');
}

describe('A leaf', () => {
  it('is for the identity that was proved, and is what SPIFFE says', async () => {
    const { authority } = await begin();
    const { chain } = signed(await authority.sign(csr, reviews));
    const text = openssl(['x509', '-noout', '-text'], chain[0]);
    expect(text).toMatch(
      /Subject Alternative Name: critical\s+URI:spiffe:\/\/cluster\.local\/ns\/default\/sa\/reviews\n/,
    );
    expect(text).toMatch(/Subject: *\n/);
    expect(text).toMatch(/Basic Constraints: critical\s+CA:FALSE\n/);
    expect(text).toMatch(/Key Usage: critical\s+Digital Signature, Key Encipherment\n/);
    expect(text).toMatch(/TLS Web Server Authentication, TLS Web Client Authentication\n/);
    expect(text).toContain('Signature Algorithm: ecdsa-with-SHA256');
    const leaf = new X509Certificate(chain[0]!);
    expect(Date.parse(leaf.validFrom)).toBe(start - 120_000);
    expect(Date.parse(leaf.validTo)).toBe(start + 24 * hourMs);
  });

  it('verifies for OpenSSL by the intermediate and the root, as a client and as a server', async () => {
    const { authority } = await begin();
    const result = signed(await authority.sign(csr, reviews));
    expect(result.chain).toHaveLength(2);
    expect(opensslVerify(result, start)).toBe(true);
    expect(opensslVerify(result, start, 'sslserver')).toBe(true);
    expect(opensslVerify(result, start + 25 * hourMs)).toBe(false);
    expect(opensslVerify(result, start - hourMs)).toBe(false);
    const other = await begin();
    expect(opensslVerify({ ...result, roots: other.authority.roots }, start)).toBe(false);
  });

  it('has a serial number of its own', async () => {
    const { authority } = await begin();
    const results = await Promise.all(Array.from({ length: 50 }, () => authority.sign(csr, reviews)));
    const serials = results.map((result) => new X509Certificate(signed(result).chain[0]!).serialNumber);
    expect(new Set(serials).size).toBe(50);
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
  });

  it.each([
    ['nothing', 0, 24 * hourMs, 120_000],
    ['an hour', hourMs, hourMs, 120_000],
    ['a year', 8760 * hourMs, 24 * hourMs, 120_000],
    ['more than a number can hold', Number.POSITIVE_INFINITY, 24 * hourMs, 120_000],
    ['a minute', 60_000, 60_000, 6000],
    ['a moment', 1, 1000, 1000],
  ])('that asks for %s lasts as long as it may', async (_name, asked, lifeMs, backdateMs) => {
    const { authority } = await begin();
    const result = signed(await authority.sign(csr, reviews, asked));
    const { validFrom, validTo } = new X509Certificate(result.chain[0]!);
    expect([Date.parse(validFrom) - start, Date.parse(validTo) - start]).toEqual([-backdateMs, lifeMs]);
    expect(result.notAfter).toBe(start + lifeMs);
  });

  it.each<[string, KeyKind]>([
    ['P-384', { name: 'ECDSA', namedCurve: 'P-384' }],
    ['RSA of 2048 bits', rsa(2048)],
    ['Ed25519', { name: 'Ed25519' }],
  ])('is made for a key of %s', async (_name, kind) => {
    const { authority } = await begin();
    const request = await makeCsr([], { kind });
    expect(opensslVerify(signed(await authority.sign(request.csr, reviews)), start)).toBe(true);
  });
});

describe('A certificate request', () => {
  it.each([
    ['another workload', { type: 'url', value: 'spiffe://cluster.local/ns/default/sa/admin' }],
    ['another trust domain', { type: 'url', value: 'spiffe://other/ns/default/sa/reviews' }],
    ['a host', { type: 'dns', value: 'reviews' }],
    ['an address', { type: 'ip', value: '10.0.0.1' }],
    ['a mailbox', { type: 'email', value: 'root@example.org' }],
  ] as const)('for %s is refused', async (_name, name) => {
    const { authority } = await begin();
    for (const names of [[name], [{ type: 'url' as const, value: reviews.spiffeId }, name]]) {
      const request = await makeCsr(names);
      const result = await authority.sign(request.csr, reviews);
      expect(result).toMatchObject({ ok: false, reason: 'other_identity' });
      expect((result as { detail: string }).detail).toContain(name.value);
    }
  });

  it('for its own identity is fine', async () => {
    const { authority } = await begin();
    const request = await makeCsr([{ type: 'url', value: reviews.spiffeId }]);
    expect(await authority.sign(request.csr, reviews)).toMatchObject({ ok: true });
  });

  it('with a name of a kind that nobody knows beside its own is refused', async () => {
    const { authority } = await begin();
    // GeneralNames: the URI, and an otherName (tag 0) of the type 1.2.3 with the UTF8String «a».
    const uri = Buffer.from(reviews.spiffeId);
    const names = [
      Buffer.from([0x86, uri.length]),
      uri,
      Buffer.from('a0090602 2a03a003 0c0161'.replaceAll(' ', ''), 'hex'),
    ];
    const content = Buffer.concat(names);
    const der = Buffer.concat([Buffer.from([0x30, content.length]), content]);
    const request = await makeCsr([], { extensions: [new Extension('2.5.29.17', false, der)] });
    expect(await authority.sign(request.csr, reviews)).toMatchObject({ ok: false });
    const known = Buffer.concat([Buffer.from([0x30, uri.length + 2]), ...names.slice(0, 2)]);
    const fine = await makeCsr([], { extensions: [new Extension('2.5.29.17', false, known)] });
    expect(await authority.sign(fine.csr, reviews)).toMatchObject({ ok: true });
  });

  it('makes nobody an authority, whatever it asks for', async () => {
    const { authority } = await begin();
    const extensions = [
      new BasicConstraintsExtension(true, 9, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
    ];
    const request = await makeCsr([], { extensions });
    const leaf = new X509Certificate(signed(await authority.sign(request.csr, reviews)).chain[0]!);
    expect(leaf.ca).toBe(false);
    expect(leaf.subject ?? '').toBe('');
  });

  it.each<[string, KeyKind, string]>([
    ['RSA of 1024 bits', rsa(1024), 'RSA key of 1024 bits'],
    ['P-521', { name: 'ECDSA', namedCurve: 'P-521' }, 'curve secp521r1'],
  ])('with a key of %s is refused', async (_name, kind, detail) => {
    const { authority } = await begin();
    const request = await makeCsr([], { kind });
    const result = await authority.sign(request.csr, reviews);
    expect(result).toMatchObject({ ok: false, reason: 'bad_csr', detail: expect.stringContaining(detail) });
  });

  it('with the public key of somebody else is refused', async () => {
    const { authority } = await begin();
    const [one, other] = [await makeCsr(), await makeCsr()];
    const der = (pem: string) => Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64');
    const [mine, theirs] = [der(one.csr), der(other.csr)];
    // The signature stands at the end; 80 bytes are more than it has.
    const forged = Buffer.concat([theirs.subarray(0, -80), mine.subarray(-80)]).toString('base64');
    const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${forged}\n-----END CERTIFICATE REQUEST-----`;
    expect(await authority.sign(pem, reviews)).toMatchObject({ ok: false, reason: 'bad_csr' });
  });

  it.each([
    ['nothing', ''],
    ['garbage', '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----'],
    ['two requests', `${csr}\n${csr}`],
    ['a certificate', csr.replaceAll('CERTIFICATE REQUEST', 'CERTIFICATE')],
    ['10 MB', csr.replace('\n', `\n${'A'.repeat(10_000_000)}`)],
  ])('that is %s is refused', async (_name, text) => {
    const { authority } = await begin();
    expect(await authority.sign(text, reviews)).toMatchObject({ ok: false, reason: 'bad_csr' });
  });

  it('that is damaged anywhere is refused or is still the same key', async () => {
    const { authority } = await begin();
    const der = Buffer.from(csr.replace(/-----[^-]+-----/g, ''), 'base64');
    const undamaged = publicKeyOf(signed(await authority.sign(csr, reviews)).chain[0]!);
    const damage = fc.tuple(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(damage, async ([at, flip]) => {
        const damaged = Buffer.from(der);
        damaged[at]! ^= flip;
        const body = damaged.toString('base64');
        const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${body}\n-----END CERTIFICATE REQUEST-----`;
        const result = await authority.sign(pem, reviews);
        if (result.ok) expect(publicKeyOf(result.chain[0]!)).toBe(undamaged);
        else expect(result.reason).not.toBe('authority_expired');
      }),
      { numRuns: 200 },
    );
  });
});

describe('A change of roots', () => {
  it('trusts both until all leaves of the old one are gone', async () => {
    const { authority, pass, clock } = await begin();
    const before = signed(await authority.sign(csr, reviews));
    const [oldRoot] = authority.roots;
    let changes = 0;
    authority.onChange(() => {
      changes += 1;
    });
    await authority.rotate();
    const announced = signed(await authority.sign(csr, reviews));
    expect(announced.roots).toHaveLength(2);
    // The old one signs: who does not know the new one must be able to verify it.
    expect(opensslVerify({ ...announced, roots: [oldRoot!] }, clock.now())).toBe(true);

    await pass(24 * hourMs);
    const after = signed(await authority.sign(csr, reviews));
    expect(opensslVerify({ ...after, roots: [oldRoot!] }, clock.now())).toBe(false);
    // Everybody who fetched during the first phase verifies what the new one signs, and the other way round.
    expect(opensslVerify({ ...after, roots: announced.roots }, clock.now())).toBe(true);
    expect(opensslVerify({ ...announced, roots: after.roots }, clock.now() - hourMs)).toBe(true);
    expect(after.roots).toContain(oldRoot);

    await pass(24 * hourMs);
    expect(authority.roots).toEqual([after.roots[0]]);
    expect(opensslVerify({ ...before, roots: authority.roots }, start)).toBe(false);
    expect(changes).toBe(3);
  });

  it('that is under way is not begun again', async () => {
    const { authority } = await begin();
    await Promise.all([authority.rotate(), authority.rotate(), authority.refresh()]);
    const { roots } = authority;
    await authority.rotate();
    expect(authority.roots).toEqual(roots);
    expect(roots).toHaveLength(2);
  });

  it('comes by itself when a third of the life of the root is left', async () => {
    const { authority, pass } = await begin();
    await pass(2400 * 24 * hourMs);
    expect(authority.roots).toHaveLength(1);
    await pass(60 * 24 * hourMs);
    expect(authority.roots).toHaveLength(2);
  });

  it('is looked at every 10 s', async () => {
    const { authority, clock } = await begin();
    await authority.rotate();
    const [, announced] = authority.roots;
    clock.advance(24 * hourMs);
    await expect
      .poll(async () => {
        await clock.advanceAsync(10_000);
        return authority.roots[0];
      })
      .toBe(announced);
    await expect.poll(() => clock.pendingTimers).toBe(1);
    authority.close();
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('The intermediate', () => {
  it('is renewed long before its end, and no leaf outlives it', async () => {
    const { authority, pass, clock } = await begin();
    const first = signed(await authority.sign(csr, reviews)).chain[1]!;
    await pass(200 * 24 * hourMs);
    expect(signed(await authority.sign(csr, reviews)).chain[1]).toBe(first);
    await pass(50 * 24 * hourMs);
    const renewed = signed(await authority.sign(csr, reviews));
    expect(renewed.chain[1]).not.toBe(first);
    expect(opensslVerify(renewed, clock.now())).toBe(true);
    expect(authority.roots).toHaveLength(1);
    // Nobody looked for a year: what is left is shorter than a day, and then nothing.
    clock.advance(365 * 24 * hourMs - hourMs);
    expect(signed(await authority.sign(csr, reviews)).notAfter - clock.now()).toBe(hourMs);
    clock.advance(hourMs);
    expect(await authority.sign(csr, reviews)).toMatchObject({ ok: false, reason: 'authority_expired' });
  });
});
