import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type CertificateOptions, makeCertificate } from '../../../../../test/support/certificates.js';
import { anyOf } from './authenticator.js';
import { peerCertificate } from './peer-certificate.js';

const now = Date.UTC(2026, 0, 1);
const spiffeId = 'spiffe://cluster.local/ns/shop/sa/reviews';
const usual = {
  notBefore: new Date(now - 1000),
  notAfter: new Date(now + 1000),
  keyUsage: ['digitalSignature'],
} as const;

function judge(options: CertificateOptions, at = now) {
  const { certificate } = makeCertificate({ ...usual, uris: [spiffeId], ...options });
  return peerCertificate('cluster.local', () => at).authenticate({
    bearer: undefined,
    certificate: new X509Certificate(certificate),
  });
}

describe('A certificate of a peer', () => {
  it('says who it is', async () => {
    expect(await judge({})).toMatchObject({ ok: true, by: 'certificate', identity: { spiffeId } });
  });

  it.each<[string, CertificateOptions, string]>([
    ['has two URI names', { uris: [spiffeId, 'spiffe://cluster.local/ns/shop/sa/other'] }, 'bad_certificate'],
    ['has none', { uris: [] }, 'bad_certificate'],
    ['has another kind of URI', { uris: ['https://example.org'] }, 'bad_certificate'],
    ['has a path that is none', { uris: ['spiffe://cluster.local/ns/../sa/a'] }, 'bad_certificate'],
    ['names no service account', { uris: ['spiffe://cluster.local/db'] }, 'bad_certificate'],
    ['is of another trust domain', { uris: ['spiffe://other/ns/shop/sa/reviews'] }, 'other_trust_domain'],
    ['is one of an authority', { isCa: true }, 'bad_certificate'],
    ['may sign certificates', { keyUsage: ['digitalSignature', 'keyCertSign'] }, 'bad_certificate'],
    ['may sign revocations', { keyUsage: ['digitalSignature', 'cRLSign'] }, 'bad_certificate'],
    ['is for a client alone', { extendedKeyUsage: ['clientAuth'] }, 'bad_certificate'],
    ['may not sign', { keyUsage: ['keyAgreement'] }, 'bad_certificate'],
  ])('that %s is refused', async (_name, options, reason) => {
    expect(await judge(options)).toMatchObject({ ok: false, reason });
  });

  it('counts for its time alone, however old the connection is', async () => {
    expect(await judge({}, now + 1000)).toMatchObject({ ok: false, reason: 'expired' });
    expect(await judge({}, now - 1001)).toMatchObject({ ok: false, reason: 'bad_certificate' });
  });
});

describe('Of several ways to prove who one is', () => {
  const yes = {
    name: 'yes',
    authenticate: async () => ({ ok: true, identity: { spiffeId } as never, by: 'x' }) as const,
  };
  const no = (reason: 'bad_token' | 'expired' | 'unavailable') => ({
    name: 'no',
    authenticate: async () => ({ ok: false, reason, detail: '' }) as const,
  });
  const none = { name: 'none', authenticate: async () => undefined };

  it('one is enough; without any opinion nobody is let in', async () => {
    const ask = (...all: Parameters<typeof anyOf>[0]) => anyOf(all)({ bearer: 'x', certificate: undefined });
    expect(await ask(none, no('bad_token'), yes)).toMatchObject({ ok: true });
    expect(await ask(no('expired'), no('bad_token'), none)).toMatchObject({ reason: 'expired' });
    expect(await ask(no('expired'), no('unavailable'))).toMatchObject({ reason: 'unavailable' });
    expect(await ask(none)).toMatchObject({ reason: 'no_credentials' });
    expect(await ask()).toMatchObject({ reason: 'no_credentials' });
  });
});
