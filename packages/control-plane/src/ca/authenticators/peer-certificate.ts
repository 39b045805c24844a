import { parseSpiffeId } from '@inmesh/core';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509Certificate,
} from '@peculiar/x509';
import { type Authentication, type Authenticator, refuse } from './authenticator.js';

/**
 * A certificate that this mesh has given before, for renewal. Its chain has been verified with the connection; its time is
 * looked at again, because a connection may be older than it lasts.
 * @param now wall clock, in ms
 */
export function peerCertificate(trustDomain: string, now: () => number): Authenticator {
  return {
    name: 'certificate',
    authenticate: async ({ certificate }) => {
      if (certificate === undefined) return undefined;
      try {
        return judge(new X509Certificate(new Uint8Array(certificate.raw)), trustDomain, now());
      } catch {
        return refuse('bad_certificate', 'the certificate cannot be read');
      }
    },
  };
}

/** SPIFFE X509-SVID.md 4 and 5. */
function judge(certificate: X509Certificate, trustDomain: string, now: number): Authentication {
  const { notBefore, notAfter } = certificate;
  if (now >= notAfter.getTime()) return refuse('expired', `the certificate has expired at ${notAfter.toISOString()}`);
  if (now < notBefore.getTime()) {
    return refuse('bad_certificate', `the certificate is valid from ${notBefore.toISOString()} on`);
  }
  // Node's own `ca` looks at the key usage as well, and is false for one that says CA and must not sign.
  if (certificate.getExtension(BasicConstraintsExtension)?.ca) {
    return refuse('bad_certificate', 'the certificate is one of an authority');
  }
  const usages = certificate.getExtension(KeyUsagesExtension)?.usages ?? 0;
  const signsMore = (usages & (KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign)) !== 0;
  if ((usages & KeyUsageFlags.digitalSignature) === 0 || signsMore) {
    return refuse('bad_certificate', 'the certificate is not for signatures alone (key usage)');
  }
  const uses = certificate.getExtension(ExtendedKeyUsageExtension)?.usages;
  if (
    uses !== undefined &&
    ![ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth].every((use) => uses.includes(use))
  ) {
    return refuse('bad_certificate', 'the extended key usage is not that of both a server and a client');
  }
  const names = certificate.getExtension(SubjectAlternativeNameExtension)?.names.items ?? [];
  const uris = names.filter(({ type }) => type === 'url').map(({ value }) => value);
  if (uris.length !== 1)
    return refuse('bad_certificate', `the certificate has ${uris.length} URI names instead of one`);
  const parsed = parseSpiffeId(uris[0]!);
  if (!parsed.ok) return refuse('bad_certificate', `the URI name of the certificate ${parsed.reason}`);
  const { identity } = parsed;
  if (identity.trustDomain !== trustDomain) {
    return refuse('other_trust_domain', `the certificate is of the trust domain ${identity.trustDomain}`);
  }
  if (identity.namespace === '') return refuse('bad_certificate', `${identity.spiffeId} names no service account`);
  return { ok: true, identity, by: 'certificate' };
}
