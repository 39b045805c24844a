import type { ClaimMatcher, ValueMatcher } from '../model/authorization.js';
import type { VerifiedToken } from '../model/peer.js';
import { compileStringMatcher } from '../router/string-matcher.js';

export type ClaimTest = (token: VerifiedToken | undefined) => boolean;

/** A claim of a verified token; without one nothing matches. */
export function compileClaimMatcher({ path, value }: ClaimMatcher): ClaimTest {
  const test = compileValue(value);
  return (token) => token !== undefined && test(claimAt(token.claims, path));
}

function compileValue(matcher: ValueMatcher): (value: unknown) => boolean {
  switch (matcher.kind) {
    case 'present':
      return (value) => value !== undefined && value !== null;
    case 'string': {
      const matches = compileStringMatcher(matcher.matcher);
      return (value) => typeof value === 'string' && matches(value);
    }
    case 'listContains': {
      const matches = compileStringMatcher(matcher.matcher);
      return (value) => Array.isArray(value) && value.some((entry) => typeof entry === 'string' && matches(entry));
    }
    case 'any': {
      const tests = matcher.matchers.map(compileValue);
      return (value) => tests.some((test) => test(value));
    }
  }
}

/** Claims are the issuer's JSON: only what an object itself has is one. */
function claimAt(claims: unknown, path: readonly string[]): unknown {
  let current = claims;
  for (const key of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, key)) return undefined;
    current = (current as Record<string, unknown>)[key];
  }
  return current;
}
