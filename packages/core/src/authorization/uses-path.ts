import type { Permission, Principal, RbacRules } from '../model/authorization.js';
import type { InboundFilter } from '../model/inbound-listener.js';

/** Whether what a filter decides depends on the path, so that there has to be one reading of it. */
export function usesPath(filter: InboundFilter): boolean {
  switch (filter.kind) {
    case 'jwt':
      return filter.authentication.rules.some(({ path }) => path.kind !== 'prefix' || path.value !== '/');
    case 'rbac':
      return rulesUsePath(filter.rules);
    // The service is told the path.
    case 'externalAuthorization':
      return true;
  }
}

function rulesUsePath({ policies }: RbacRules): boolean {
  return policies.some(
    ({ permissions, principals }) => permissions.some(conditionUsesPath) || principals.some(conditionUsesPath),
  );
}

function conditionUsesPath(condition: Permission | Principal): boolean {
  switch (condition.kind) {
    case 'path':
    case 'pathTemplate':
      return true;
    case 'header':
      return condition.matcher.name === ':path';
    case 'all':
    case 'oneOf':
      return ('permissions' in condition ? condition.permissions : condition.principals).some(conditionUsesPath);
    case 'not':
      return conditionUsesPath('permission' in condition ? condition.permission : condition.principal);
    default:
      return false;
  }
}
