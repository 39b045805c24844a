import { readFileSync } from 'node:fs';
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose';
import { type Authentication, type Authenticator, refuse, serviceAccountOf } from './authenticator.js';

export interface KeySetTokensOptions {
  /** A file with the JWKS of the cluster (`kubectl get --raw /openid/v1/jwks`), read anew for each question. */
  readonly path: string;
  readonly issuer: string;
  /** One of them must be in the token. */
  readonly audiences: readonly string[];
  readonly trustDomain: string;
  /** Wall clock, in ms. */
  readonly now: () => number;
}

/** No shared secrets: whoever could check one could make one. */
const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];

/**
 * Service account tokens, verified with the keys of their issuer instead of by asking the API server; tokens of pods that
 * are gone then count until they expire.
 * @throws Error when the file cannot be used
 */
export function keySetTokens(options: KeySetTokensOptions): Authenticator {
  readKeySet(options.path);
  return {
    name: 'JWKS',
    authenticate: async ({ bearer }) => {
      if (bearer === undefined) return undefined;
      try {
        return await judge(bearer, options);
      } catch (error) {
        return refuse('unavailable', (error as Error).message);
      }
    },
  };
}

async function judge(token: string, options: KeySetTokensOptions): Promise<Authentication> {
  const { path, issuer, audiences, now, trustDomain } = options;
  const keys = createLocalJWKSet(readKeySet(path));
  let claims: JWTPayload;
  try {
    const checks = { issuer, audience: [...audiences], algorithms, currentDate: new Date(now()) };
    ({ payload: claims } = await jwtVerify(token, keys, { ...checks, requiredClaims: ['exp', 'sub', 'aud'] }));
  } catch (error) {
    return refusalOf(error);
  }
  const identity = serviceAccountOf(trustDomain, claims.sub);
  return identity === undefined
    ? refuse('bad_token', 'the token is not of a service account')
    : { ok: true, identity, by: 'token' };
}

function refusalOf(error: unknown): Authentication {
  if (error instanceof errors.JWTExpired) return refuse('expired', 'the token has expired');
  if (error instanceof errors.JWTClaimValidationFailed) {
    const reason = error.claim === 'aud' ? 'wrong_audience' : 'bad_token';
    return refuse(reason, `the claim ${JSON.stringify(error.claim)} of the token is not the right one`);
  }
  return refuse('bad_token', 'the token is not signed by the issuer of this cluster');
}

function readKeySet(path: string): JSONWebKeySet {
  try {
    const keySet = JSON.parse(readFileSync(path, 'utf8')) as JSONWebKeySet;
    createLocalJWKSet(keySet);
    return keySet;
  } catch (error) {
    throw new Error(`${path} is not a JSON Web Key Set: ${(error as Error).message}`);
  }
}
