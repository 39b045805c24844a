import type { X509Certificate } from 'node:crypto';
import { type DerValue, readDer } from './der.js';
import { type NameConstraints, readNameConstraints } from './name-constraints.js';
import { nameTags } from './name-tags.js';

/** What the extensions of a certificate say (RFC 5280 4.2), as far as identities are concerned. */
export interface CertificateExtensions {
  /** All alternative names, tagged as RFC 5280 4.2.1.6 has them. */
  readonly names: readonly DerValue[];
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
  /** Undefined: it does not say, and so allows everything. */
  readonly keyUsage:
    | { readonly digitalSignature: boolean; readonly certSign: boolean; readonly crlSign: boolean }
    | undefined;
  /** Object identifiers in hex; undefined: it does not say. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly isCa: boolean;
  /** How many intermediates may follow it; undefined: any number. */
  readonly pathLength: number | undefined;
  readonly nameConstraints: NameConstraints | undefined;
  /** Object identifiers in hex of those that must not be passed over and are not known here. */
  readonly unknownCritical: readonly string[];
}

export const serverAuth = '2b06010505070301';
export const clientAuth = '2b06010505070302';

const tags = { boolean: 0x01, integer: 0x02, extensions: 0xa3 } as const;
const oids = {
  keyUsage: '551d0f',
  subjectAltName: '551d11',
  basicConstraints: '551d13',
  nameConstraints: '551d1e',
  extendedKeyUsage: '551d25',
};
const knownOids: readonly string[] = Object.values(oids);

const known = new WeakMap<X509Certificate, CertificateExtensions>();

/**
 * Node's `X509Certificate` has no key usage, and tells alternative names as one text, in which a name may hold what
 * separates names; so the bytes are read here.
 * @throws RangeError when they are no certificate's, or an extension is there twice
 */
export function extensionsOf(certificate: X509Certificate): CertificateExtensions {
  let extensions = known.get(certificate);
  if (extensions === undefined) {
    extensions = readExtensions(certificate.raw);
    known.set(certificate, extensions);
  }
  return extensions;
}

interface Extension {
  readonly oid: string;
  readonly isCritical: boolean;
  readonly value: Buffer;
}

function readExtensions(raw: Buffer): CertificateExtensions {
  const list = extensionList(raw);
  const found = new Map(list.map(({ oid, value }) => [oid, value]));
  // RFC 5280 4.2: readers would disagree on which of the two counts.
  if (found.size < list.length) throw new RangeError('an extension is there twice');
  const names = children(found.get(oids.subjectAltName));
  const textsOf = (tag: number) =>
    names.filter((name) => name.tag === tag).map(({ content }) => content.toString('latin1'));
  const constraints = found.get(oids.nameConstraints);
  return {
    names,
    uris: textsOf(nameTags.uri),
    dnsNames: textsOf(nameTags.dns),
    keyUsage: keyUsageOf(found.get(oids.keyUsage)),
    extendedKeyUsage: found.has(oids.extendedKeyUsage)
      ? children(found.get(oids.extendedKeyUsage)).map(({ content }) => content.toString('hex'))
      : undefined,
    ...basicConstraintsOf(found.get(oids.basicConstraints)),
    nameConstraints: constraints && readNameConstraints(children(constraints)),
    unknownCritical: list.filter(({ oid, isCritical }) => isCritical && !knownOids.includes(oid)).map(({ oid }) => oid),
  };
}

function extensionList(raw: Buffer): Extension[] {
  const [certificate] = readDer(raw);
  const [body] = readDer(certificate?.content ?? Buffer.alloc(0));
  const extensions = readDer(body?.content ?? Buffer.alloc(0)).find(({ tag }) => tag === tags.extensions);
  return children(extensions?.content).map(({ content }) => {
    const parts = readDer(content);
    const [oid, critical] = parts;
    if (oid === undefined || critical === undefined) throw new RangeError('an extension is cut short');
    const isCritical = critical.tag === tags.boolean && critical.content[0] !== 0;
    return { oid: oid.content.toString('hex'), isCritical, value: parts.at(-1)!.content };
  });
}

/** Of the one SEQUENCE that `bytes` is. */
function children(bytes: Buffer | undefined): DerValue[] {
  const [sequence] = bytes === undefined ? [] : readDer(bytes);
  return sequence === undefined ? [] : readDer(sequence.content);
}

function basicConstraintsOf(bytes: Buffer | undefined): Pick<CertificateExtensions, 'isCa' | 'pathLength'> {
  const parts = children(bytes);
  const length = parts.find(({ tag }) => tag === tags.integer)?.content;
  return {
    isCa: parts.some(({ tag, content }) => tag === tags.boolean && content[0] !== 0),
    // Nobody means more than fits into four bytes.
    pathLength: length && (length.length > 4 ? undefined : length.readIntBE(0, length.length)),
  };
}

/** A BIT STRING, whose first byte counts the bits that are left over. */
function keyUsageOf(bytes: Buffer | undefined): CertificateExtensions['keyUsage'] {
  const [bits] = bytes === undefined ? [] : readDer(bytes);
  if (bits === undefined) return undefined;
  const first = bits.content[1] ?? 0;
  return { digitalSignature: (first & 0x80) !== 0, certSign: (first & 0x04) !== 0, crlSign: (first & 0x02) !== 0 };
}
