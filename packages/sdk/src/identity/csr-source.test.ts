import { createPrivateKey, X509Certificate as NodeCertificate, webcrypto } from 'node:crypto';
import { FakeClock } from '@inmesh/core/testing';
import type { CertificateCredentials } from '@inmesh/xds/client';
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { afterEach, describe, expect, it } from 'vitest';
import { CsrIdentity, type CsrIdentityOptions } from './csr-source.js';
import type { Identity } from './identity.js';

const start = Date.UTC(2026, 0, 1);
const hourMs = 3_600_000;
const spiffeId = 'spiffe://cluster.local/ns/default/sa/reviews';
const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const open: CsrIdentity[] = [];

afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

/** One that signs whatever it is given. */
class FakeAuthority {
  readonly asked: { csr: string; credentials: CertificateCredentials; known: readonly string[] }[] = [];
  lifeMs = 24 * hourMs;
  name = spiffeId;
  down: string | undefined;
  #root: { certificate: X509Certificate; key: webcrypto.CryptoKey } | undefined;

  constructor(private readonly clock: FakeClock) {}

  readonly ask: CsrIdentityOptions['ask'] = async (csr, credentials, known) => {
    this.asked.push({ csr, credentials, known });
    if (this.down !== undefined) throw new Error(this.down);
    const root = await this.#rootOf();
    const leaf = await X509CertificateGenerator.create({
      ...{ subject: '', issuer: root.certificate.subject, serialNumber: `0${this.asked.length}` },
      notBefore: new Date(this.clock.now()),
      notAfter: new Date(this.clock.now() + this.lifeMs),
      publicKey: new Pkcs10CertificateRequest(csr).publicKey,
      signingKey: root.key,
      signingAlgorithm: ecdsa,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new SubjectAlternativeNameExtension([{ type: 'url', value: this.name }], true),
      ],
    });
    return [leaf.toString('pem'), root.certificate.toString('pem')];
  };

  async #rootOf() {
    if (this.#root !== undefined) return this.#root;
    const keys = await webcrypto.subtle.generateKey(ecdsa, true, ['sign', 'verify']);
    const certificate = await X509CertificateGenerator.createSelfSigned({
      ...{ name: 'CN=root', keys, signingAlgorithm: ecdsa, serialNumber: '01' },
      notBefore: new Date(start - hourMs),
      notAfter: new Date(start + 10_000 * hourMs),
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      ],
    });
    this.#root = { certificate, key: keys.privateKey };
    return this.#root;
  }
}

function begin(options: Partial<CsrIdentityOptions> = {}) {
  const clock = new FakeClock(start);
  const authority = new FakeAuthority(clock);
  const lines: string[] = [];
  const log = (message: string, fields?: object) => lines.push(`${message} ${JSON.stringify(fields)}`);
  const source = new CsrIdentity({
    ...{ description: 'authority test', ask: authority.ask, readToken: () => 'token', random: () => 0.5 },
    ...{ clock, wallClock: () => clock.now(), logger: { info: log, warn: log, error: log } },
    ...options,
  });
  open.push(source);
  const news: Identity[] = [];
  source.onChange((identity) => news.push(identity));
  /** What is asked takes real time, and the clock stands still meanwhile. */
  const settled = () => expect.poll(() => clock.pendingTimers, { interval: 1 }).toBe(1);
  const pass = async (ms: number) => {
    clock.advance(ms);
    await settled();
  };
  return { clock, authority, source, news, lines, settled, pass };
}

describe('An identity of an authority', () => {
  it('has a key that was made here, and the certificate for it', async () => {
    const { source, authority, settled, news } = begin();
    expect(source.problem).toBe('no certificate has been given yet');
    source.start();
    await settled();
    const { certificate, bundles } = source.current!;
    expect(certificate!.identity.spiffeId).toBe(spiffeId);
    expect([...bundles.keys()]).toEqual(['cluster.local']);
    const leaf = new NodeCertificate(certificate!.certificateChain);
    expect(leaf.checkPrivateKey(createPrivateKey(certificate!.privateKey))).toBe(true);
    expect(JSON.stringify(authority.asked)).not.toContain('PRIVATE KEY');
    expect(source.problem).toBeUndefined();
    expect(news).toEqual([source.current]);
  });

  it.each([
    [0, 0.45],
    [0.5, 0.5],
    [0.999_999, 0.55],
  ])('is renewed at the half of its life, give or take a bit (%d)', async (draw, part) => {
    const { source, settled, pass, clock, news } = begin({ random: () => draw });
    source.start();
    await settled();
    clock.advance(24 * hourMs * part - 1000);
    expect(news).toHaveLength(1);
    await pass(2000);
    await expect.poll(() => news.length).toBe(2);
    expect(news[1]!.certificate!.privateKey).not.toBe(news[0]!.certificate!.privateKey);
    expect(clock.pendingTimers).toBe(1);
  });

  it('is kept while the authority is down, asked for ever more seldom, and then renewed', async () => {
    const { source, settled, pass, authority, news, lines, clock } = begin({ random: () => 1 });
    source.start();
    await settled();
    const [first] = news;
    authority.down = 'it is down';
    await pass(0.55 * 24 * hourMs);
    for (const [index, waitMs] of [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000].entries()) {
      await expect.poll(() => authority.asked.length).toBe(index + 2);
      await settled();
      clock.advance(waitMs - 1);
      expect(authority.asked).toHaveLength(index + 2);
      clock.advance(1);
    }
    expect(source.current).toBe(first);
    expect(source.problem).toBe('it is down');
    expect(lines.filter((line) => line.includes('it is down'))).toHaveLength(1);
    clock.advance(24 * hourMs);
    expect(source.problem).toMatch(/^the certificate in use has expired at 2026-01-02T00:00:00.000Z; it is down$/);
    authority.down = undefined;
    await expect
      .poll(() => {
        clock.advance(60_000);
        return news.length;
      })
      .toBe(2);
    expect(source.problem).toBeUndefined();
  });

  it('is proved by the token, and by itself when that does not do', async () => {
    let token: string | undefined = 'token';
    const { source, settled, pass, authority, clock } = begin({ readToken: () => token });
    source.start();
    await settled();
    token = undefined;
    await pass(12 * hourMs);
    await expect.poll(() => authority.asked.length).toBe(2);
    token = 'refused';
    authority.down = 'UNAUTHENTICATED';
    for (const count of [3, 4, 5]) {
      await expect
        .poll(() => {
          if (clock.pendingTimers === 1) clock.advance(authority.asked.length < 3 ? 12 * hourMs : 5000);
          return authority.asked.length;
        })
        .toBeGreaterThanOrEqual(count);
    }
    const kinds = authority.asked.map(({ credentials }) => credentials.kind);
    expect(kinds.slice(0, 5)).toEqual(['token', 'certificate', 'token', 'certificate', 'token']);
    expect(authority.asked[1]!.known).toEqual([...source.current!.bundles.values()].flat());
  });

  it('asks for a name only if it is told to', async () => {
    const [silent, named] = [begin(), begin({ spiffeId })];
    for (const { source, settled } of [silent, named]) {
      source.start();
      await settled();
    }
    const extensionsOf = ({ authority }: typeof silent) =>
      new Pkcs10CertificateRequest(authority.asked[0]!.csr).extensions.length;
    expect([extensionsOf(silent), extensionsOf(named)]).toEqual([0, 1]);
  });

  it('without a token and without a certificate says so', async () => {
    const { source, settled, lines } = begin({ readToken: () => undefined });
    source.start();
    await settled();
    expect(source.problem).toMatch(/^there is no token to prove .*INMESH_CA_TOKEN_FILE/);
    expect(lines).toHaveLength(1);
  });

  it('that is none of SPIFFE is not taken', async () => {
    const { source, settled, authority } = begin();
    authority.name = 'https://example.org';
    source.start();
    await settled();
    expect(source.current).toBeUndefined();
    expect(source.problem).toContain('authority test');
  });

  it('is waited for at the start, but not for long', async () => {
    const quick = begin();
    await quick.source.open(2000);
    expect(quick.source.current).toBeDefined();
    const slow = begin({ ask: () => new Promise(() => {}) });
    let isOpen = false;
    void slow.source.open(2000).then(() => {
      isOpen = true;
    });
    await slow.clock.advanceAsync(1999);
    expect(isOpen).toBe(false);
    await slow.clock.advanceAsync(1);
    expect(isOpen).toBe(true);
  });

  it('ends with its source', async () => {
    const { source, settled, clock, authority, news } = begin();
    source.start();
    await settled();
    source.close();
    expect(clock.pendingTimers).toBe(0);
    clock.advance(100 * hourMs);
    expect(authority.asked).toHaveLength(1);
    expect(news).toHaveLength(1);
  });
});

describe('With the time of day off by 60 days', () => {
  const offMs = 60 * 24 * hourMs;

  it.each([
    [offMs, /was valid until/],
    [-offMs, /is valid from/],
  ])('by %d ms, a certificate is not taken and the reason said, until the time is set', async (off, reason) => {
    const clock = new FakeClock(start);
    let wrong = off;
    const authority = new FakeAuthority(clock);
    const { source, news } = begin({ clock, ask: authority.ask, wallClock: () => clock.now() + wrong });
    source.start();
    await expect.poll(() => source.problem).toMatch(reason);
    expect(source.current).toBeUndefined();
    wrong = 0;
    await expect.poll(() => clock.pendingTimers).toBe(1);
    clock.advance(1000);
    await expect.poll(() => news.length).toBe(1);
    expect(source.problem).toBeUndefined();
  });

  it.each([offMs, -offMs])(
    'from one moment to the next, by %d ms, it is renewed when its half is over',
    async (off) => {
      const clock = new FakeClock(start);
      let wrong = 0;
      const authority = new FakeAuthority(clock);
      const { source } = begin({ clock, ask: authority.ask, wallClock: () => clock.now() + wrong });
      source.start();
      await expect.poll(() => clock.pendingTimers, { interval: 1 }).toBe(1);
      const { current } = source;
      wrong = off;
      clock.advance(12 * hourMs - 1);
      expect(authority.asked).toHaveLength(1);
      clock.advance(1);
      expect(authority.asked).toHaveLength(2);
      await expect.poll(() => source.problem).toMatch(off > 0 ? /has expired.*was valid until/ : /is valid from/);
      expect(source.current).toBe(current);
    },
  );
});
