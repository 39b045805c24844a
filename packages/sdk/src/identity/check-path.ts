import type { X509Certificate } from 'node:crypto';
import { parseSpiffeId } from '@inmesh/core';
import type { DerValue } from './der.js';
import { extensionsOf } from './extensions.js';
import { checkNames } from './name-constraints.js';
import { nameTags } from './name-tags.js';
import { type PeerRefusal, refusePeer } from './refusal.js';

/**
 * Whether each certificate of a path, from the leaf up to the authority of the bundle, may have signed the one before it:
 * path lengths, name constraints and critical extensions (RFC 5280 6.1), and SPIFFE's rules for those that sign.
 * @throws RangeError when an extension cannot be read
 */
export function checkPath(path: readonly X509Certificate[]): PeerRefusal | undefined {
  for (const [index, certificate] of path.entries()) {
    const problem = checkOne(path, index);
    if (problem !== undefined)
      return refusePeer('invalid_authority', `${JSON.stringify(certificate.subject)} ${problem}`);
  }
  return undefined;
}

function checkOne(path: readonly X509Certificate[], index: number): string | undefined {
  const certificate = path[index]!;
  const { unknownCritical, pathLength, nameConstraints } = extensionsOf(certificate);
  if (unknownCritical.length > 0) return `has critical extensions that are not known: ${unknownCritical.join(', ')}`;
  if (index === 0) return undefined;
  // An authority of the bundle is trusted by name, so what it calls itself does not count.
  const misnamed = index < path.length - 1 ? checkSignerName(path, index) : undefined;
  if (misnamed !== undefined) return misnamed;
  const between = path.slice(1, index).filter(isNotSelfIssued);
  if (pathLength !== undefined && between.length > pathLength) {
    return `allows ${pathLength} intermediates below it, and there are ${between.length}`;
  }
  if (nameConstraints === undefined) return undefined;
  for (const below of [path[0]!, ...between]) {
    const wrong = checkNames(namesOf(below), nameConstraints);
    if (wrong !== undefined) return `has signed ${JSON.stringify(below.subject)}, which ${wrong}`;
  }
  return undefined;
}

/** A signer that is an SVID is one of a trust domain, and signs leaves of no other (X509-SVID.md 3.2). */
function checkSignerName(path: readonly X509Certificate[], index: number): string | undefined {
  const { uris } = extensionsOf(path[index]!);
  const [id] = uris.filter((uri) => /^spiffe:/i.test(uri));
  if (id === undefined) return undefined;
  if (uris.length > 1) return 'has a SPIFFE ID and other URI names';
  const parsed = parseSpiffeId(id);
  if (!parsed.ok) return `has the name ${JSON.stringify(id)}, which ${parsed.reason}`;
  const own = `spiffe://${parsed.identity.trustDomain}`;
  if (id !== own) return `is ${id}: what signs has no path`;
  const isOfLeaf = extensionsOf(path[0]!).uris.every((uri) => uri.startsWith(`${own}/`));
  return index > 1 || isOfLeaf ? undefined : `is ${id}, and has signed for another trust domain`;
}

/** The subject is a name as well, of a kind that is told from its tag alone. */
function namesOf(certificate: X509Certificate): DerValue[] {
  const subject = Buffer.from(certificate.subject ?? '');
  return [
    ...extensionsOf(certificate).names,
    ...(subject.length === 0 ? [] : [{ tag: nameTags.directory, content: subject }]),
  ];
}

function isNotSelfIssued({ subject, issuer }: X509Certificate): boolean {
  return subject !== issuer;
}
