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

const base64url = /^[A-Za-z0-9_-]+$/;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Header fields that bring or name a key (`jwk`, `jku`, `x5u`, `x5c`) are not read: keys come of the configuration alone. */
export function parseToken(text: string): ParsedToken | JwtProblem {
  const parts = text.split('.');
  if (parts.length !== 3) return 'badFormat';
  const header = readObject(parts[0]!);
  if (header === undefined) return 'badHeader';
  const { alg, kid } = header;
  if (typeof alg !== 'string' || !asymmetricAlgorithms.has(alg)) return 'badAlgorithm';
  if (kid !== undefined && typeof kid !== 'string') return 'badKeyId';
  if (header.crit !== undefined) return 'criticalHeader';
  // After the algorithm: the unsigned form of `none` has no third part, and is refused for what it is.
  if (!parts.every((part) => base64url.test(part))) return 'badFormat';
  const claims = readObject(parts[1]!);
  if (claims === undefined) return 'badPayload';
  const registered = readClaims(claims);
  if (registered === undefined) return 'badClaim';
  return { text, algorithm: alg, keyId: kid === '' ? undefined : kid, payload: parts[1]!, claims, ...registered };
}

function readObject(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(utf8.decode(Buffer.from(part, 'base64url')));
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** RFC 7519, 4.1; undefined where one is not of its type. */
function readClaims({ iss = '', sub = '', aud = [], azp = '', exp, nbf }: Record<string, unknown>) {
  const audiences: unknown[] = Array.isArray(aud) ? aud : [aud];
  if (typeof iss !== 'string' || typeof sub !== 'string' || typeof azp !== 'string') return undefined;
  if (!audiences.every((audience) => typeof audience === 'string')) return undefined;
  if (!isTime(exp) || !isTime(nbf)) return undefined;
  return { issuer: iss, subject: sub, audiences, presenter: azp, expiresAt: exp, notBefore: nbf };
}

function isTime(value: unknown): value is number | undefined {
  return value === undefined || (typeof value === 'number' && Number.isFinite(value) && value >= 0);
}
