import type { RbacPolicy, RbacRules } from '@inmesh/core';
import { RBAC_Action as Action, type HttpRBAC, type Policy, type RBAC } from '../messages.js';
import { decodePermission } from './decode-rbac-permission.js';
import { decodePrincipal } from './decode-rbac-principal.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';

export interface DecodedRbac {
  /** Undefined: nothing is refused. */
  readonly rules: RbacRules | undefined;
  /** Evaluated, and not carried out. */
  readonly shadowRules: RbacRules | undefined;
  readonly shadowPrefix: string;
}

/** Envoy's HTTP filter `RBAC`, unpacked by `unpackStrictly`. */
export function decodeHttpRbac(message: HttpRBAC, at: FieldScope): DecodedRbac {
  const { rules, shadowRules, shadowRulesStatPrefix } = message;
  return {
    rules: rules && decodeRules(rules, at.field('rules')),
    shadowRules: shadowRules && decodeRules(shadowRules, at.field('shadow_rules')),
    shadowPrefix: shadowRulesStatPrefix,
  };
}

const actions: Readonly<Record<Action, RbacRules['action']>> = {
  [Action.ALLOW]: 'allow',
  [Action.DENY]: 'deny',
  [Action.LOG]: 'log',
};

function decodeRules(message: RBAC, at: FieldScope): RbacRules | undefined {
  reportUnsupported(message, at);
  const action: RbacRules['action'] | undefined = actions[message.action];
  const policies = Object.entries(message.policies).map(([name, policy]) =>
    decodePolicy(name, policy, at.field(`policies["${name}"]`)),
  );
  return action === undefined ? at.field('action').error(`${message.action} is unknown`) : { action, policies };
}

function decodePolicy(name: string, message: Policy, at: FieldScope): RbacPolicy {
  reportUnsupported(message, at);
  const permissions = at.each('permissions', message.permissions, decodePermission);
  const principals = at.each('principals', message.principals, decodePrincipal);
  if (message.permissions.length === 0) at.field('permissions').error('is empty');
  if (message.principals.length === 0) at.field('principals').error('is empty');
  return { name, permissions, principals };
}
