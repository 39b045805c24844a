import type { Call } from '../call.js';
import type { HashPolicy } from '../model/route.js';
import { firstQueryValue } from '../router/query-matcher.js';
import { plainAddress } from '../router/rate-limit-descriptors.js';
import { cookieValue } from './cookie.js';
import type { Hash64 } from './hash64.js';

export type CookiePolicy = Extract<HashPolicy, { kind: 'cookie' }>;
type HeaderPolicy = Extract<HashPolicy, { kind: 'header' }>;

/** Makes the value of a cookie that the policy wants set and the request does not have. */
export type CookieMaker = (policy: CookiePolicy) => string;

/**
 * The key of a call by the policies of its route (Envoy hash_policy.cc): what each finds is mixed in order, and a terminal
 * one ends the search once something was found. Undefined when nothing was.
 */
export function hashKeyOf(
  call: Call,
  policies: readonly HashPolicy[],
  hash64: Hash64,
  makeCookie: CookieMaker,
): bigint | undefined {
  let key: bigint | undefined;
  for (const policy of policies) {
    const hash = hashOf(call, policy, hash64, makeCookie);
    // Turned by a bit first: two policies that find the same would otherwise cancel each other out.
    if (hash !== undefined) key = key === undefined ? hash : rotateLeft(key) ^ hash;
    if (policy.terminal && key !== undefined) break;
  }
  return key;
}

function hashOf(call: Call, policy: HashPolicy, hash64: Hash64, makeCookie: CookieMaker): bigint | undefined {
  if (policy.kind === 'header') return hashOfHeader(call, policy, hash64);
  const text = textOf(call, policy, makeCookie);
  return text === undefined ? undefined : hash64(text, 0n);
}

function textOf(
  call: Call,
  policy: Exclude<HashPolicy, { kind: 'header' }>,
  makeCookie: CookieMaker,
): string | undefined {
  switch (policy.kind) {
    case 'cookie':
      // An empty value counts as none.
      return cookieValue(call.headers, policy.name) || (policy.ttlMs === undefined ? undefined : makeCookie(policy));
    case 'sourceAddress':
      return call.sourceAddress === '' ? undefined : plainAddress(call.sourceAddress);
    case 'queryParameter':
      return firstQueryValue(call.path, policy.name);
  }
}

/** Of several values in any order the same: each seeds the hash of the next. */
function hashOfHeader(call: Call, { name, rewrite }: HeaderPolicy, hash64: Hash64): bigint | undefined {
  const values = headerValues(call, name);
  if (values.length === 0) return undefined;
  const texts = rewrite === undefined ? values : values.map((value) => rewrite.rewrite(value));
  return texts.sort().reduce((seed, text) => hash64(text, seed), 0n);
}

function headerValues(call: Call, name: string): string[] {
  switch (name) {
    case ':method':
      return [call.method];
    case ':path':
      return [call.path];
    case ':scheme':
      return [call.scheme];
    case ':authority':
    case 'host':
      return [call.headers.get('host') ?? call.authority];
  }
  const { flat } = call.headers;
  const values: string[] = [];
  for (let index = 0; index < flat.length; index += 2) if (flat[index] === name) values.push(flat[index + 1]!);
  return values;
}

function rotateLeft(key: bigint): bigint {
  return BigInt.asUintN(64, key << 1n) | (key >> 63n);
}
