import { randomBytes } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  type JsonGeneralNames,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { readSigningKey, type SigningKey } from './signing-key.js';

type PublicKeyDer = Uint8Array<ArrayBuffer>;

/** Who signs: a certificate, and the key to it. */
export interface Issuer {
  readonly certificate: X509Certificate;
  readonly signingKey: SigningKey;
}

/** Wall clock, in ms. */
export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

/** Signed by itself. Returns PEM. */
export async function makeRoot(name: string, keyPem: string, publicKey: PublicKeyDer, at: Validity): Promise<string> {
  const signingKey = await readSigningKey(keyPem);
  const extensions = [...authority(), await SubjectKeyIdentifierExtension.create(publicKey)];
  return generate({ subject: name, issuer: name, publicKey, signingKey, at, extensions });
}

/** May sign leaves and no further authority. Returns PEM. */
export async function makeIntermediate(
  name: string,
  publicKey: PublicKeyDer,
  issuer: Issuer,
  at: Validity,
): Promise<string> {
  const extensions = [...authority(0), ...(await keyIdentifiers(publicKey, issuer))];
  const { subject } = issuer.certificate;
  return generate({ subject: name, issuer: subject, publicKey, signingKey: issuer.signingKey, at, extensions });
}

/**
 * One of whoever holds the private key (SPIFFE X509-SVID.md 4): it has no subject, so its names are critical (RFC 5280
 * 4.2.1.6). Returns PEM.
 */
export async function makeLeaf(
  names: JsonGeneralNames,
  publicKey: PublicKeyDer,
  issuer: Issuer,
  at: Validity,
): Promise<string> {
  const extensions = [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
    new SubjectAlternativeNameExtension(names, true),
    ...(await keyIdentifiers(publicKey, issuer)),
  ];
  const { subject } = issuer.certificate;
  return generate({ subject: '', issuer: subject, publicKey, signingKey: issuer.signingKey, at, extensions });
}

/** @throws Error that names what does not belong together */
export async function readIssuer(certificatePem: string, keyPem: string): Promise<Issuer> {
  return { certificate: new X509Certificate(certificatePem), signingKey: await readSigningKey(keyPem) };
}

function authority(pathLength?: number): Extension[] {
  return [
    new BasicConstraintsExtension(true, pathLength, true),
    new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
  ];
}

/** An outside CA may name its key in its own way, so its own word is taken. */
async function keyIdentifiers(publicKey: PublicKeyDer, { certificate }: Issuer): Promise<Extension[]> {
  const own = certificate.getExtension(SubjectKeyIdentifierExtension);
  return [
    await SubjectKeyIdentifierExtension.create(publicKey),
    own === null
      ? await AuthorityKeyIdentifierExtension.create(certificate.publicKey)
      : new AuthorityKeyIdentifierExtension(own.keyId),
  ];
}

async function generate(parts: {
  subject: string;
  issuer: string;
  publicKey: PublicKeyDer;
  signingKey: SigningKey;
  at: Validity;
  extensions: Extension[];
}): Promise<string> {
  const { subject, issuer, publicKey, signingKey, at, extensions } = parts;
  const certificate = await X509CertificateGenerator.create({
    serialNumber: randomSerial(),
    ...{ subject, issuer, publicKey, extensions },
    notBefore: new Date(at.notBefore),
    notAfter: new Date(at.notAfter),
    signingKey: signingKey.key,
    signingAlgorithm: { ...signingKey.algorithm },
  });
  return `${certificate.toString('pem')}\n`;
}

/** 127 random bits, never negative and never zero (RFC 5280 4.1.2.2). */
function randomSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes.toString('hex');
}
