import { create } from '@bufbuild/protobuf';
import { type Policy, PolicySchema, type RBAC, type RBAC_Action, RBACSchema } from '@inmesh/xds/messages';
import type { ReadObject } from '../../read-objects.js';
import type { AuthorizationPolicy, AuthorizationRule } from '../../schema/authorization-policy.js';
import { anyPermission, operationPermission } from './permissions.js';
import { anyPrincipal, type PolicyNames, sourcePrincipal } from './principals.js';

export type AuthorizationSourceObject = ReadObject<AuthorizationPolicy>;

/** Istio's mark of a policy that is to be tried and not carried out. */
export const dryRunAnnotation = 'istio.io/dry-run';

export function isDryRun({ metadata }: AuthorizationSourceObject): boolean {
  return saysDryRun(metadata.annotations ?? {});
}

export function saysDryRun(annotations: Readonly<Record<string, unknown>>): boolean {
  return /^(1|t|true)$/i.test(String(annotations[dryRunAnnotation] ?? ''));
}

/**
 * All rules of these policies as one set.
 * @param prefix of the names that rules have in logs and metrics
 */
export function buildRbac(
  policies: readonly AuthorizationSourceObject[],
  action: RBAC_Action,
  trustDomain: string,
  prefix = '',
): RBAC {
  const entries = policies.flatMap((policy) => policyEntries(policy, trustDomain, prefix));
  return create(RBACSchema, { action, policies: Object.fromEntries(entries) });
}

/** One for each rule; a policy without rules is one that never matches (Istio `rbacPolicyMatchNever`). */
function policyEntries(
  { body, name, namespace }: AuthorizationSourceObject,
  trustDomain: string,
  prefix: string,
): [string, Policy][] {
  const rules = body.spec?.rules ?? [];
  const policies =
    rules.length === 0 ? [neverMatching()] : rules.map((rule) => rulePolicy(rule, { namespace, trustDomain }));
  return policies.map((policy, index) => [`${prefix}ns[${namespace}]-policy[${name}]-rule[${index}]`, policy]);
}

function rulePolicy(
  { from = [{ source: {} }], to = [{ operation: {} }], when = [] }: AuthorizationRule,
  names: PolicyNames,
): Policy {
  return create(PolicySchema, {
    permissions: to.map(({ operation }) => operationPermission(operation, when)),
    principals: from.map(({ source }) => sourcePrincipal(source, when, names)),
  });
}

function neverMatching(): Policy {
  return create(PolicySchema, {
    permissions: [{ rule: { case: 'notRule', value: anyPermission } }],
    principals: [{ identifier: { case: 'notId', value: anyPrincipal } }],
  });
}
