import { create } from '@bufbuild/protobuf';
import { type RouteAction_HashPolicy, RouteAction_HashPolicySchema } from '@inmesh/xds/messages';
import { parseGoDuration } from '../durations.js';
import type { ConsistentHash } from '../schema/destination-rule.js';
import type { ClusterPolicy } from './traffic-policy.js';

/**
 * What a route to a cluster of this policy takes a request's hash from: none, or one (Istio
 * `consistentHashToHashPolicy`). A client without it has no key, and picks at random.
 */
export function hashPoliciesFor(policy: ClusterPolicy | undefined): RouteAction_HashPolicy[] {
  const specifier = policy?.loadBalancer?.consistentHash && specifierOf(policy.loadBalancer.consistentHash);
  return specifier === undefined ? [] : [create(RouteAction_HashPolicySchema, { policySpecifier: specifier })];
}

function specifierOf(hash: ConsistentHash) {
  const { httpHeaderName, httpCookie, httpQueryParameterName } = hash;
  if (httpHeaderName !== undefined) return { case: 'header', value: { headerName: httpHeaderName } } as const;
  if (httpCookie !== undefined) return { case: 'cookie', value: cookieOf(httpCookie) } as const;
  if (hash.useSourceIp === true) return { case: 'connectionProperties', value: { sourceIp: true } } as const;
  if (httpQueryParameterName === undefined) return undefined;
  return { case: 'queryParameter', value: { name: httpQueryParameterName } } as const;
}

/** Without a life time a client does not make the cookie, it only reads it; 0 is a session's. */
function cookieOf({ name, path = '', ttl }: NonNullable<ConsistentHash['httpCookie']>) {
  const lifeTime = parseGoDuration(ttl ?? '');
  return { name, path, ...(lifeTime.ok && { ttl: lifeTime.duration }) };
}
