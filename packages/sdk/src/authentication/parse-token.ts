import { repeatsName } from './json-names.js';
import type { JwtProblem } from './jwt-problem.js';

/** A token that was read and not verified. */
export interface ParsedToken {
  /** In compact form. */
  readonly text: string;
  readonly algorithm: string;
  readonly keyId: string | undefined;
  /** In base64url, as it came. */
  readonly payload: string;
  readonly issuer: string;
  readonly subject: string;
  readonly audiences: readonly string[];
  readonly presenter: string;
  /** Seconds since 1970; undefined where the token does not say. */
  readonly expiresAt: number | undefined;
  readonly notBefore: number | undefined;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** HMAC is not among them: whoever can check such a token can make one, and a public key would do as its secret. */
export const asymmetricAlgorithms: ReadonlySet<string> = new Set([
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
]);

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Header fields that bring or name a key (`jwk`, `jku`, `x5u`, `x5c`) are not read: keys come of the configuration alone. */
export function parseToken(text: string): ParsedToken | JwtProblem {
  const parts = text.split('.');
  if (parts.length !== 3 || /[\s,]/.test(text)) return 'bad_format';
  if (!isCanonical(parts[0]!)) return 'bad_header_encoding';
  const header = readObject(parts[0]!);
  if (header === undefined) return 'bad_header';
  const { alg, kid } = header;
  if (typeof alg !== 'string' || !asymmetricAlgorithms.has(alg)) return 'bad_algorithm';
  if (kid !== undefined && typeof kid !== 'string') return 'bad_key_id';
  if (header.crit !== undefined) return 'critical_header';
  if (header.b64 === false) return 'unencoded_payload';
  // After the algorithm: the unsigned form of `none` has no third part, and is refused for what it is.
  if (parts.includes('')) return 'bad_format';
  if (!isCanonical(parts[1]!)) return 'bad_payload_encoding';
  if (!isCanonical(parts[2]!)) return 'bad_signature_encoding';
  const claims = readObject(parts[1]!);
  if (claims === undefined) return 'bad_payload';
  const registered = readClaims(claims);
  if (registered === undefined) return 'bad_claim';
  return { text, algorithm: alg, keyId: kid === '' ? undefined : kid, payload: parts[1]!, claims, ...registered };
}

/** Without what Node passes over, such as padding and odd last bits: else there were many texts of one token. */
function isCanonical(part: string): boolean {
  return Buffer.from(part, 'base64url').toString('base64url') === part;
}

/** A name twice is refused (RFC 7515, 4; RFC 7519, 4): others may read the first where this reads the last. */
function readObject(part: string): Record<string, unknown> | undefined {
  try {
    const text = utf8.decode(Buffer.from(part, 'base64url'));
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject && !repeatsName(text) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** RFC 7519, 4.1; undefined where one is not of its type. */
function readClaims({ iss = '', sub = '', aud = [], azp = '', jti, exp, nbf, iat }: Record<string, unknown>) {
  const audiences: unknown[] = Array.isArray(aud) ? aud : [aud];
  if (typeof iss !== 'string' || typeof sub !== 'string' || typeof azp !== 'string') return undefined;
  if (!audiences.every((audience) => typeof audience === 'string')) return undefined;
  if (jti !== undefined && typeof jti !== 'string') return undefined;
  if (!isTime(exp) || !isTime(nbf) || !isTime(iat)) return undefined;
  return { issuer: iss, subject: sub, audiences, presenter: azp, expiresAt: exp, notBefore: nbf };
}

/** Of 64 bits, as Envoy has it. */
const maxTime = 2 ** 63;

function isTime(value: unknown): value is number | undefined {
  return value === undefined || (typeof value === 'number' && value >= 0 && value < maxTime);
}
