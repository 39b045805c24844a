import type { Call } from '../call.js';
import type { RbacPolicy, RbacRules } from '../model/authorization.js';
import type { CallTest } from '../router/call-matcher.js';
import type { Strictness } from './condition-tests.js';
import { compilePermission } from './permissions.js';
import { compilePrincipal } from './principals.js';

export interface RbacDecision {
  readonly allowed: boolean;
  /** The policy that matched; undefined where none did. */
  readonly policy: string | undefined;
}

export type RbacEngine = (call: Call) => RbacDecision;

/**
 * Envoy's engine (rbac.proto `action`): ALLOW lets through what a policy matches, DENY what none does, LOG everything.
 * Policies are looked at in the order of their names, as Envoy does. What may be read in several ways meets a policy that
 * refuses where one of the readings does, and one that admits as it stands.
 */
export function compileRbac(
  { action, policies }: RbacRules,
  strictness: Strictness = action === 'deny' ? 'loose' : 'exact',
): RbacEngine {
  const compiled = [...policies]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((policy) => ({ name: policy.name, matches: compilePolicy(policy, strictness) }));
  return (call) => {
    const found = compiled.find(({ matches }) => matches(call));
    const matched = found !== undefined;
    return { allowed: action === 'log' || matched === (action === 'allow'), policy: found?.name };
  };
}

function compilePolicy({ permissions, principals }: RbacPolicy, strictness: Strictness): CallTest {
  const asked = permissions.map((permission) => compilePermission(permission, strictness));
  const asking = principals.map((principal) => compilePrincipal(principal, strictness));
  return (call) => asked.some((test) => test(call)) && asking.some((test) => test(call));
}
