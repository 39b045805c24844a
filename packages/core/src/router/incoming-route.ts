import type { Call } from '../call.js';
import type { Random } from '../clock.js';
import type { Route } from '../model/route.js';

/**
 * The route that the authority and path of an incoming call lead to: what it says of the server's side holds here.
 * @param ownHost the authority of a call whose own one the mesh does not know, such as an address; empty: such a call has
 *   no route
 */
export function routeOfIncoming(call: Call, random: Random, ownHost: string): Route | undefined {
  const host = resolveKnown(call, call.authority) ?? (ownHost === '' ? undefined : resolveKnown(call, ownHost));
  return host?.virtualHost?.match(call, random);
}

/** What DNS alone knows has no policies. */
function resolveKnown({ snapshot, scheme }: Call, authority: string) {
  const found = snapshot.resolve(scheme, authority);
  return found?.listener.passthrough === true ? undefined : found;
}
