import type { InboundFilter, Principal } from '@inmesh/core';
import type { HttpConnectionManager } from '../messages.js';
import type { FieldScope } from './field-scope.js';

/** The client is read as istiod's sidecars have it; where policies ask for one that is read otherwise, they are refused. */
export function checkClientAddress(
  { useRemoteAddress, xffNumTrustedHops }: HttpConnectionManager,
  filters: readonly InboundFilter[],
  at: FieldScope,
): void {
  if (!filters.some(asksForClient)) return;
  const why = 'is not supported where policies ask for remote_ip: a client is the last of x-forwarded-for';
  if (useRemoteAddress === true) at.field('use_remote_address').error(why);
  if (xffNumTrustedHops > 0) at.field('xff_num_trusted_hops').error(why);
}

function asksForClient(filter: InboundFilter): boolean {
  const rules = filter.kind === 'rbac' ? filter.rules : undefined;
  const when = filter.kind === 'externalAuthorization' ? filter.authorization.when : undefined;
  return ((rules ?? when)?.policies ?? []).some(({ principals }) => principals.some(isClientAddress));
}

function isClientAddress(principal: Principal): boolean {
  switch (principal.kind) {
    case 'remoteIp':
      return true;
    case 'all':
    case 'oneOf':
      return principal.principals.some(isClientAddress);
    case 'not':
      return isClientAddress(principal.principal);
    default:
      return false;
  }
}
