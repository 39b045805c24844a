import type { Call } from '../call.js';
import type { Random } from '../clock.js';
import { setCookieHeader } from '../load-balancer/cookie.js';
import { hashKeyOf } from '../load-balancer/hash-key.js';
import { type Hash64, randomHex64 } from '../load-balancer/hash64.js';
import type { HashPolicy } from '../model/route.js';
import type { Filter, Reply, Service } from '../service.js';

/**
 * Finds the key that ring hash and Maglev look at, and hands out the cookies that make it come again. Where the balancer
 * of the cluster looks at none nothing is done, as in Envoy.
 */
export function hashKeyFilter(random: Random): Filter {
  return (next) => (call) => {
    const { hash64 } = call.cluster!;
    const policies = call.action!.hash;
    return hash64 === undefined || policies.length === 0 ? next(call) : withKey(next, call, policies, hash64, random);
  };
}

async function withKey<C extends Call>(
  next: Service<C>,
  call: C,
  policies: readonly HashPolicy[],
  hash64: Hash64,
  random: Random,
): Promise<Reply> {
  const cookies: string[] = [];
  call.hashKey = hashKeyOf(call, policies, hash64, ({ name, ttlMs, path }) => {
    const value = randomHex64(random);
    cookies.push(setCookieHeader(name, value, Math.floor((ttlMs ?? 0) / 1000), path));
    return value;
  });
  const reply = await next(call);
  for (const cookie of cookies) reply.appendHeader('set-cookie', cookie);
  return reply;
}
