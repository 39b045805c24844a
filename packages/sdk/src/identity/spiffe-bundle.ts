import { X509Certificate } from 'node:crypto';
import { parseCertificates } from './pem.js';

/** The authorities of one trust domain. */
export interface SpiffeBundle {
  readonly certificates: readonly X509Certificate[];
  /** Grows with each version; undefined: it does not say. */
  readonly sequence: number | undefined;
}

/**
 * Reads PEM, or a bundle document (SPIFFE_Trust_Domain_and_Bundle.md 4, X509-SVID.md 6.2): a JWK Set in which entries for
 * other uses, and those without a certificate, are passed over.
 * @throws Error that names the field that is wrong
 */
export function parseBundle(text: string): SpiffeBundle {
  if (!text.trimStart().startsWith('{')) return { certificates: parseCertificates(text), sequence: undefined };
  const { keys, spiffe_sequence: sequence, spiffe_refresh_hint: hint } = parseObject(text);
  if (!Array.isArray(keys)) throw new Error('keys: not a list of JWKs');
  const certificates = keys.flatMap((key: unknown, index) => authorityOf(key, `keys[${index}]`));
  if (certificates.length === 0) throw new Error('keys: none has the use x509-svid and an x5c');
  wholeNumber(hint, 'spiffe_refresh_hint');
  return { certificates, sequence: wholeNumber(sequence, 'spiffe_sequence') };
}

function parseObject(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('it is no JSON, or cut short');
  }
}

function authorityOf(key: unknown, field: string): X509Certificate[] {
  if (!isObject(key)) throw new Error(`${field}: not a JWK`);
  const { use, x5c, kty } = key;
  if (use !== 'x509-svid' || typeof kty !== 'string' || !Array.isArray(x5c) || x5c.length === 0) return [];
  // Any further ones are no authorities (X509-SVID.md 6.2).
  const [first] = x5c;
  if (typeof first !== 'string') throw new Error(`${field}.x5c[0]: not the base64 of a certificate`);
  try {
    return [new X509Certificate(Buffer.from(first, 'base64'))];
  } catch {
    throw new Error(`${field}.x5c[0]: not the base64 of a certificate`);
  }
}

function wholeNumber(value: unknown, field: string): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
  throw new Error(`${field}: not a whole number from 0 up`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
