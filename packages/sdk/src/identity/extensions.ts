import type { X509Certificate } from 'node:crypto';
import { type DerValue, readDer } from './der.js';

/** What the extensions of a certificate say (RFC 5280 4.2), as far as identities are concerned. */
export interface CertificateExtensions {
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
  /** Undefined: it does not say, and so allows everything. */
  readonly keyUsage:
    | { readonly digitalSignature: boolean; readonly certSign: boolean; readonly crlSign: boolean }
    | undefined;
  /** Object identifiers in hex; undefined: it does not say. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly isCa: boolean;
}

export const serverAuth = '2b06010505070301';
export const clientAuth = '2b06010505070302';

const tags = { boolean: 0x01, oid: 0x06, extensions: 0xa3, dns: 0x82, uri: 0x86 } as const;
const oids = { keyUsage: '551d0f', subjectAltName: '551d11', basicConstraints: '551d13', extendedKeyUsage: '551d25' };

const known = new WeakMap<X509Certificate, CertificateExtensions>();

/**
 * Node's `X509Certificate` has no key usage, and tells alternative names as one text, in which a name may hold what
 * separates names; so the bytes are read here.
 * @throws RangeError when they are no certificate's
 */
export function extensionsOf(certificate: X509Certificate): CertificateExtensions {
  let extensions = known.get(certificate);
  if (extensions === undefined) {
    extensions = readExtensions(certificate.raw);
    known.set(certificate, extensions);
  }
  return extensions;
}

function readExtensions(raw: Buffer): CertificateExtensions {
  const found = new Map(extensionValues(raw).map(({ oid, value }) => [oid, value]));
  const names = children(found.get(oids.subjectAltName));
  const textsOf = (tag: number) =>
    names.filter((name) => name.tag === tag).map(({ content }) => content.toString('latin1'));
  return {
    uris: textsOf(tags.uri),
    dnsNames: textsOf(tags.dns),
    keyUsage: keyUsageOf(found.get(oids.keyUsage)),
    extendedKeyUsage: found.has(oids.extendedKeyUsage)
      ? children(found.get(oids.extendedKeyUsage)).map(({ content }) => content.toString('hex'))
      : undefined,
    isCa: children(found.get(oids.basicConstraints)).some(
      ({ tag, content }) => tag === tags.boolean && content[0] !== 0,
    ),
  };
}

function extensionValues(raw: Buffer): { oid: string; value: Buffer }[] {
  const [certificate] = readDer(raw);
  const [body] = readDer(certificate?.content ?? Buffer.alloc(0));
  const extensions = readDer(body?.content ?? Buffer.alloc(0)).find(({ tag }) => tag === tags.extensions);
  return children(extensions?.content).map(({ content }) => {
    const parts = readDer(content);
    return { oid: parts[0]!.content.toString('hex'), value: parts.at(-1)!.content };
  });
}

/** Of the one SEQUENCE that `bytes` is. */
function children(bytes: Buffer | undefined): DerValue[] {
  const [sequence] = bytes === undefined ? [] : readDer(bytes);
  return sequence === undefined ? [] : readDer(sequence.content);
}

/** A BIT STRING, whose first byte counts the bits that are left over. */
function keyUsageOf(bytes: Buffer | undefined): CertificateExtensions['keyUsage'] {
  const [bits] = bytes === undefined ? [] : readDer(bytes);
  if (bits === undefined) return undefined;
  const first = bits.content[1] ?? 0;
  return { digitalSignature: (first & 0x80) !== 0, certSign: (first & 0x04) !== 0, crlSign: (first & 0x02) !== 0 };
}
