import type { X509Certificate } from 'node:crypto';
import { checkPath } from './check-path.js';
import { type CertificateExtensions, extensionsOf } from './extensions.js';
import { type PeerRefusal, refusePeer } from './refusal.js';

/** Longer chains are somebody's attempt to keep this process busy. */
const maxIntermediates = 8;
/** So are those that lead in many ways. */
const maxSignatures = 64;

/**
 * Whether `chain`, the leaf first, leads to one of the authorities, every certificate of the path valid at `now` and
 * allowed to sign what it has signed (RFC 5280 6.1, X509-SVID.md 3.2 and 5.1). Intermediates may come in any order, and
 * those that lead elsewhere are passed over.
 */
export function verifyChain(
  chain: readonly X509Certificate[],
  authorities: readonly X509Certificate[],
  now: number,
): PeerRefusal | undefined {
  const [leaf, ...rest] = chain;
  if (leaf === undefined) return refusePeer('no_certificate');
  return new PathSearch(authorities, rest.slice(0, maxIntermediates), now).follow([leaf]);
}

/** Wall clock, in ms. */
export function checkValidity(certificate: X509Certificate, now: number): PeerRefusal | undefined {
  const { subject, validFrom, validTo } = certificate;
  const name = JSON.stringify(subject);
  if (!(Date.parse(validFrom) <= now)) return refusePeer('not_yet_valid', `${name} is valid from ${validFrom}`);
  if (!(now <= Date.parse(validTo))) return refusePeer('expired', `${name} was valid until ${validTo}`);
  return undefined;
}

class PathSearch {
  #signaturesLeft = maxSignatures;

  constructor(
    private readonly authorities: readonly X509Certificate[],
    private readonly intermediates: readonly X509Certificate[],
    private readonly now: number,
  ) {}

  /** Undefined: some way up from the last of `path` is good. Else why the first one is not. */
  follow(path: readonly [X509Certificate, ...X509Certificate[]]): PeerRefusal | undefined {
    const last = path.at(-1)!;
    const outOfTime = checkValidity(last, this.now);
    if (outOfTime !== undefined) return outOfTime;
    let refusal: PeerRefusal | undefined;
    for (const authority of this.authorities) {
      if (!this.#hasSigned(authority, last)) continue;
      const found = checkValidity(authority, this.now) ?? checkPath([...path, authority]);
      if (found === undefined) return undefined;
      refusal ??= found;
    }
    for (const issuer of this.intermediates) {
      if (path.includes(issuer) || !this.#hasSigned(issuer, last)) continue;
      const found = this.follow([...path, issuer]);
      if (found === undefined) return undefined;
      refusal ??= found;
    }
    return refusal ?? notSigned(path[0], last);
  }

  #hasSigned(issuer: X509Certificate, certificate: X509Certificate): boolean {
    if (!issuer.ca || certificate === issuer) return false;
    // A self-signed root is its own issuer, and an authority that the bundle names is believed as it stands.
    if (!certificate.checkIssued(issuer)) return false;
    const extensions = readable(issuer);
    if (extensions === undefined || extensions.keyUsage?.certSign === false) return false;
    this.#signaturesLeft -= 1;
    return this.#signaturesLeft >= 0 && certificate.verify(issuer.publicKey);
  }
}

/** Undefined: its extensions cannot be read, so it signs nothing. */
function readable(certificate: X509Certificate): CertificateExtensions | undefined {
  try {
    return extensionsOf(certificate);
  } catch {
    return undefined;
  }
}

function notSigned(leaf: X509Certificate, last: X509Certificate): PeerRefusal {
  if (last === leaf && leaf.subject === leaf.issuer && leaf.verify(leaf.publicKey)) return refusePeer('self_signed');
  return refusePeer('unknown_authority', `no authority of its trust domain has signed ${JSON.stringify(last.subject)}`);
}
