import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';

export type PemResult<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly message: string; readonly hint?: string };

/** The certificates of a chain or a bundle, in their order. */
export function readCertificates(bytes: Uint8Array): PemResult<readonly X509Certificate[]> {
  const text = Buffer.from(bytes).toString('latin1');
  // Certificates are shown to whoever asks.
  if (text.includes('PRIVATE KEY-----')) return { ok: false, message: 'has a private key among the certificates' };
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) return { ok: false, message: 'has no certificate in PEM' };
  const certificates: X509Certificate[] = [];
  for (const [index, block] of blocks.entries()) {
    try {
      certificates.push(new X509Certificate(block));
    } catch {
      return { ok: false, message: `certificate ${index + 1} of ${blocks.length} is malformed` };
    }
  }
  return { ok: true, value: certificates };
}

export function readPrivateKey(bytes: Uint8Array): PemResult<KeyObject> {
  const text = Buffer.from(bytes).toString('latin1');
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) return { ok: false, message: 'has no private key in PEM' };
  if (/BEGIN ENCRYPTED PRIVATE KEY|^Proc-Type: 4,ENCRYPTED/m.test(text)) {
    return {
      ok: false,
      message: 'is encrypted, and nobody who is given it knows the passphrase',
      hint: 'openssl pkey -in KEY writes it without',
    };
  }
  try {
    return { ok: true, value: createPrivateKey({ key: text, format: 'pem' }) };
  } catch {
    return { ok: false, message: 'the private key is malformed' };
  }
}

export function hasRevocationList(bytes: Uint8Array): boolean {
  return Buffer.from(bytes).includes('-----BEGIN X509 CRL-----');
}
