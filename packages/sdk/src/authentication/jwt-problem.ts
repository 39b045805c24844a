import type { Call, LocalResponse } from '@inmesh/core';
import { reasonHeader } from '../server/answer-error.js';

/** Why a token is refused, in the words of Envoy (jwt_verify_lib `status.cc`), so that what is known of them holds. */
export const jwtProblems = {
  missing: 'Jwt is missing',
  bad_format: 'Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections',
  bad_header_encoding: 'Jwt header is an invalid Base64url encoded',
  bad_header: 'Jwt header is an invalid JSON',
  bad_algorithm: 'Jwt header [alg] is not supported',
  bad_key_id: 'Jwt header [kid] field is not a string',
  critical_header: 'Jwt header [crit] is not supported',
  unencoded_payload: 'Jwt header [b64] is not supported',
  bad_payload_encoding: 'Jwt payload is an invalid Base64url encoded',
  bad_signature_encoding: 'Jwt signature is an invalid Base64url encoded',
  bad_payload: 'Jwt payload is an invalid JSON',
  bad_claim: 'Jwt payload has a registered claim that is not of its type',
  not_yet_valid: 'Jwt not yet valid',
  expired: 'Jwt is expired',
  unknown_issuer: 'Jwt issuer is not configured',
  audience: 'Audiences in Jwt are not allowed',
  keys_not_fetched: 'Jwks remote fetch is failed',
  no_valid_keys: "Jwks doesn't have any valid public key",
  no_matching_key: "Jwks doesn't have key to match kid or alg from Jwt",
  bad_signature: 'Jwt verification fails',
} as const;

export type JwtProblem = keyof typeof jwtProblems;

/** Envoy's bound of what it tells of a request here. */
const maxRealmLength = 256;

/**
 * 401, for gRPC UNAUTHENTICATED, with the challenge of RFC 6750. Envoy answers a wrong audience with 403; the token is no
 * good here either way, and another would be.
 */
export function refuseToken(call: Call, problem: JwtProblem): LocalResponse {
  const error = problem === 'missing' ? '' : ', error="invalid_token"';
  const challenge = `Bearer realm="${realmOf(call)}"${error}`;
  return {
    httpStatus: 401,
    headers: ['content-type', 'text/plain', 'www-authenticate', challenge, reasonHeader, 'unauthorized'],
    body: jwtProblems[problem],
    flags: 'UAEX',
  };
}

/** Without the query, which may hold the token. */
function realmOf({ scheme, authority, path }: Call): string {
  const text = `${scheme}://${authority}${path.replace(/[?#].*$/s, '')}`;
  return text.replace(/[^\x21-\x7e]|["\\]/g, '_').slice(0, maxRealmLength);
}
