import { createPublicKey, type KeyObject } from 'node:crypto';
import { GeneralNames, Pkcs10CertificateRequest, SubjectAlternativeNameExtension } from '@peculiar/x509';

export type CsrResult =
  | {
      readonly ok: true;
      /** SPKI. */
      readonly publicKey: Uint8Array<ArrayBuffer>;
      /** Every name that is asked for; the subject is not one. */
      readonly names: readonly string[];
    }
  | { readonly ok: false; readonly reason: string };

/** An RSA key of 8192 bits needs some 3000 bytes. */
export const maxCsrBytes = 16 * 1024;

const subjectAltName = '2.5.29.17';
const oneBlock =
  /^-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----\s[A-Za-z0-9+/=\s]+-----END (?:NEW )?CERTIFICATE REQUEST-----$/;

/** Reads a certificate signing request: whose key it is, proved by its signature. Nothing else of it is ever signed. */
export async function readCsr(pem: string): Promise<CsrResult> {
  if (pem.length > maxCsrBytes) return refuse(`is longer than ${maxCsrBytes} bytes`);
  if (!oneBlock.test(pem.trim())) return refuse('is not one CERTIFICATE REQUEST in PEM');
  let publicKey: Uint8Array<ArrayBuffer>;
  let names: readonly string[];
  let isSigned: boolean;
  try {
    const request = new Pkcs10CertificateRequest(pem);
    publicKey = new Uint8Array(request.publicKey.rawData);
    const problem = problemOf(createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' }));
    if (problem !== undefined) return refuse(problem);
    names = namesOf(request);
    isSigned = await request.verify();
  } catch {
    return refuse('cannot be read');
  }
  return isSigned ? { ok: true, publicKey, names } : refuse('is not signed with the key that it holds');
}

function namesOf(request: Pkcs10CertificateRequest): string[] {
  return request.getExtensions(subjectAltName).flatMap((extension) => {
    const { names } = new SubjectAlternativeNameExtension(extension.rawData);
    const known = names.items.map(({ type, value }) => (type === 'url' ? value : `${type}:${value}`));
    return isWhole(names) ? known : [...known, 'a name of another kind'];
  });
}

/** The library leaves out names of kinds that it does not know, such as `otherName`. */
function isWhole(names: GeneralNames): boolean {
  return Buffer.from(new GeneralNames(names.items).rawData).equals(Buffer.from(names.rawData));
}

function problemOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string | undefined {
  const { namedCurve = '', modulusLength = 0 } = asymmetricKeyDetails ?? {};
  if (asymmetricKeyType === 'ed25519') return undefined;
  if (asymmetricKeyType === 'ec') {
    return ['prime256v1', 'secp384r1'].includes(namedCurve)
      ? undefined
      : `has a key on the curve ${namedCurve}: use P-256 or P-384`;
  }
  if (asymmetricKeyType !== 'rsa') return `has a ${asymmetricKeyType} key: use ECDSA, RSA or Ed25519`;
  if (modulusLength < 2048) return `has an RSA key of ${modulusLength} bits: use 2048 or more`;
  // One of a size without end would hold up every handshake of the mesh.
  return modulusLength > 8192 ? `has an RSA key of ${modulusLength} bits: use at most 8192` : undefined;
}

function refuse(reason: string): CsrResult {
  return { ok: false, reason };
}
