import type { JwtProvider } from '@inmesh/core';
import { compactVerify, errors } from 'jose';
import type { JwtProblem } from './jwt-problem.js';
import { keysFor, type VerificationKey } from './key-set.js';
import { type ParsedToken, parseToken } from './parse-token.js';

/** Where the keys of a provider come from. */
export interface KeySource {
  /** Undefined: they could not be had. */
  get(): readonly VerificationKey[] | undefined | Promise<readonly VerificationKey[] | undefined>;
  /** Undefined: they are the newest. */
  getNewer(): Promise<readonly VerificationKey[] | undefined> | undefined;
}

/** In Envoy's order (authenticator.cc), so that what is refused for its claims has no key fetched. */
export async function verifyToken(
  text: string,
  provider: JwtProvider,
  keys: KeySource,
  nowSeconds: number,
): Promise<ParsedToken | JwtProblem> {
  const token = parseToken(text);
  if (typeof token === 'string') return token;
  return checkClaims(token, provider, nowSeconds) ?? (await checkSignature(token, keys)) ?? token;
}

function checkClaims(token: ParsedToken, provider: JwtProvider, now: number): JwtProblem | undefined {
  const { issuer, expiresAt, notBefore, audiences } = token;
  const skew = provider.clockSkewSeconds;
  if (provider.issuer !== '' && issuer !== provider.issuer) return 'unknown_issuer';
  if (notBefore !== undefined && notBefore > now + skew) return 'not_yet_valid';
  if (expiresAt !== undefined && expiresAt + skew < now) return 'expired';
  const isMeantForUs = provider.audiences.length === 0 || audiences.some((name) => isWanted(name, provider.audiences));
  return isMeantForUs ? undefined : 'audience';
}

/** Envoy leaves out the scheme and a slash at the end where it compares audiences. */
function isWanted(audience: string, wanted: readonly string[]): boolean {
  const name = sanitized(audience);
  return wanted.some((other) => sanitized(other) === name);
}

function sanitized(audience: string): string {
  return audience.replace(/^https?:\/\//, '').replace(/\/$/, '');
}

async function checkSignature(token: ParsedToken, source: KeySource): Promise<JwtProblem | undefined> {
  const known = await source.get();
  if (known === undefined) return 'keys_not_fetched';
  let candidates = keysFor(known, token);
  if (candidates.length === 0) candidates = keysFor((await source.getNewer()) ?? [], token);
  if (candidates.length === 0) return known.length === 0 ? 'no_valid_keys' : 'no_matching_key';
  for (const { key } of candidates) if (await isSignedBy(token, key)) return undefined;
  return 'bad_signature';
}

async function isSignedBy({ text, algorithm }: ParsedToken, key: VerificationKey['key']): Promise<boolean> {
  try {
    await compactVerify(text, key, { algorithms: [algorithm] });
    return true;
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof TypeError) return false;
    throw error;
  }
}
