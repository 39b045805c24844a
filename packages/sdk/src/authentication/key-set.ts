import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';

/** A public key that tokens are checked with. */
export interface VerificationKey {
  /** `kid`. */
  readonly id: string | undefined;
  /** Those that it may be used with. */
  readonly algorithms: readonly string[];
  readonly key: KeyObject;
}

const rsaAlgorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
const algorithmsOfCurve: Readonly<Record<string, readonly string[]>> = {
  'EC P-256': ['ES256'],
  'EC P-384': ['ES384'],
  'EC P-521': ['ES512'],
  'OKP Ed25519': ['EdDSA', 'Ed25519'],
};
/** RFC 7518, 3.3. */
const minRsaBits = 2048;

/**
 * Reads a JSON Web Key Set (RFC 7517). Keys for other uses, of other kinds (`oct` first of all), too short or not readable
 * are left out, as the RFC has it; of a private key only the public half is used.
 * @throws Error when the text is no key set
 */
export function parseKeySet(text: string): VerificationKey[] {
  const set = parseJson(text);
  const keys = isObject(set) ? set.keys : undefined;
  if (!Array.isArray(keys)) throw new Error('not a JSON Web Key Set: no list «keys»');
  return keys.flatMap((jwk: unknown) => (isObject(jwk) ? parseKey(jwk) : []));
}

/** Candidates as Envoy has them: a key or a token without an id goes with any. */
export function keysFor(
  keys: readonly VerificationKey[],
  { algorithm, keyId }: { readonly algorithm: string; readonly keyId: string | undefined },
): VerificationKey[] {
  return keys.filter(
    ({ id, algorithms }) => algorithms.includes(algorithm) && (id === undefined || keyId === undefined || id === keyId),
  );
}

function parseKey(jwk: Record<string, unknown>): VerificationKey[] {
  const { kty, crv, use, alg, kid, key_ops: operations } = jwk;
  if (use !== undefined && use !== 'sig') return [];
  if (Array.isArray(operations) && !operations.includes('verify')) return [];
  const ofKind = kty === 'RSA' ? rsaAlgorithms : (algorithmsOfCurve[`${String(kty)} ${String(crv)}`] ?? []);
  const algorithms = alg === undefined ? ofKind : ofKind.filter((name) => name === alg);
  const key = algorithms.length === 0 ? undefined : importPublic(jwk);
  if (key === undefined) return [];
  return [{ id: typeof kid === 'string' && kid !== '' ? kid : undefined, algorithms, key }];
}

function importPublic({ kty, crv, n, e, x, y }: Record<string, unknown>): KeyObject | undefined {
  try {
    const members = kty === 'RSA' ? { kty, n, e } : kty === 'EC' ? { kty, crv, x, y } : { kty, crv, x };
    const key = createPublicKey({ key: members as JsonWebKey, format: 'jwk' });
    const bits = key.asymmetricKeyDetails?.modulusLength ?? minRsaBits;
    return bits < minRsaBits ? undefined : key;
  } catch {
    return undefined;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error('not a JSON Web Key Set: not JSON', { cause });
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
