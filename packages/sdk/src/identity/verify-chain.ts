import type { X509Certificate } from 'node:crypto';
import { extensionsOf } from './extensions.js';
import { type PeerRefusal, refusePeer } from './refusal.js';

/** Longer chains are somebody's attempt to keep this process busy. */
const maxIntermediates = 8;

/**
 * Whether `chain`, the leaf first, leads to one of the authorities, every certificate of it valid at `now`. Intermediates
 * may come in any order, and those that lead elsewhere are passed over.
 */
export function verifyChain(
  chain: readonly X509Certificate[],
  authorities: readonly X509Certificate[],
  now: number,
): PeerRefusal | undefined {
  const [leaf, ...rest] = chain;
  if (leaf === undefined) return refusePeer('no_certificate');
  const unused = new Set(rest.slice(0, maxIntermediates));
  let current = leaf;
  for (;;) {
    const outOfTime = checkValidity(current, now);
    if (outOfTime !== undefined) return outOfTime;
    const refusals = authorities.filter((one) => hasSigned(one, current)).map((one) => checkValidity(one, now));
    if (refusals.includes(undefined)) return undefined;
    if (refusals.length > 0) return refusals[0];
    const issuer = [...unused].find((one) => hasSigned(one, current));
    if (issuer === undefined) return notSigned(leaf, current);
    unused.delete(issuer);
    current = issuer;
  }
}

/** Wall clock, in ms. */
export function checkValidity(certificate: X509Certificate, now: number): PeerRefusal | undefined {
  const { subject, validFrom, validTo } = certificate;
  const name = JSON.stringify(subject);
  if (!(Date.parse(validFrom) <= now)) return refusePeer('not_yet_valid', `${name} is valid from ${validFrom}`);
  if (!(now <= Date.parse(validTo))) return refusePeer('expired', `${name} was valid until ${validTo}`);
  return undefined;
}

function hasSigned(issuer: X509Certificate, certificate: X509Certificate): boolean {
  if (!issuer.ca || certificate === issuer) return false;
  // A self-signed root is its own issuer, and an authority that the bundle names is believed as it stands.
  if (!certificate.checkIssued(issuer)) return false;
  const { keyUsage } = extensionsOf(issuer);
  return (keyUsage === undefined || keyUsage.certSign) && certificate.verify(issuer.publicKey);
}

function notSigned(leaf: X509Certificate, last: X509Certificate): PeerRefusal {
  if (last === leaf && leaf.subject === leaf.issuer && leaf.verify(leaf.publicKey)) return refusePeer('self_signed');
  return refusePeer('unknown_authority', `no authority of its trust domain has signed ${JSON.stringify(last.subject)}`);
}
