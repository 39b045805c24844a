import { type HttpFilter, HttpRBACSchema, RBAC_Action } from '@inmesh/xds/messages';
import { httpFilter } from './http-filter.js';
import { type AuthorizationSourceObject, buildRbac, isDryRun } from './rbac-policies.js';

export const rbacFilterName = 'envoy.filters.http.rbac';

type Action = 'ALLOW' | 'DENY' | 'AUDIT' | 'CUSTOM';

/** Before the others, as in istiod: what is refused is to be noted, too. */
const order = ['AUDIT', 'DENY', 'ALLOW'] as const;

const actions = { AUDIT: RBAC_Action.LOG, DENY: RBAC_Action.DENY, ALLOW: RBAC_Action.ALLOW } as const;

export function actionOf({ body }: AuthorizationSourceObject): Action {
  return body.spec?.action ?? 'ALLOW';
}

/** Those of AUDIT, DENY and ALLOW policies; the ones for trial as shadow rules (istiod, builder.go). */
export function buildRbacFilters(policies: readonly AuthorizationSourceObject[], trustDomain: string): HttpFilter[] {
  return order.flatMap((action) => {
    const own = policies.filter((policy) => actionOf(policy) === action);
    return own.length === 0 ? [] : [buildFilter(own, action, trustDomain)];
  });
}

function buildFilter(
  policies: readonly AuthorizationSourceObject[],
  action: (typeof order)[number],
  trustDomain: string,
): HttpFilter {
  const enforced = policies.filter((policy) => !isDryRun(policy));
  const tried = policies.filter(isDryRun);
  return httpFilter(rbacFilterName, HttpRBACSchema, {
    ...(enforced.length > 0 && { rules: buildRbac(enforced, actions[action], trustDomain) }),
    ...(tried.length > 0 && {
      shadowRules: buildRbac(tried, actions[action], trustDomain),
      shadowRulesStatPrefix: `istio_dry_run_${action === 'ALLOW' ? 'allow' : 'deny'}_`,
    }),
  });
}
