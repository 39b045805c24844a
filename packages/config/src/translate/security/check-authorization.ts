import type { Place } from '../../place.js';
import type { AuthorizationCondition, AuthorizationSource } from '../../schema/authorization-policy.js';
import {
  cidrProblem,
  namespaceProblem,
  portProblem,
  principalProblem,
  serviceAccountProblem,
  wildcardProblem,
} from '../../schema/security-checks.js';
import { type ConditionKey, readConditionKey } from './conditions.js';
import { actionOf } from './rbac-filters.js';
import type { AuthorizationSourceObject } from './rbac-policies.js';

/** Finds what each field by itself cannot tell to be a mistake (Istio `ValidateAuthorizationPolicy`). */
export function checkAuthorization(policy: AuthorizationSourceObject): void {
  const spec = policy.place.at('spec');
  checkAction(policy, spec);
  for (const [index, { from = [], to = [], when = [] }] of (policy.body.spec?.rules ?? []).entries()) {
    const at = spec.at('rules', index);
    for (const [number, { source }] of from.entries()) checkSource(source, at.at('from', number, 'source'));
    for (const [number, { operation }] of to.entries()) {
      const place = at.at('to', number, 'operation');
      if (Object.keys(operation).length === 0) place.error('says nothing', 'leave out "to" for every operation');
    }
    for (const [number, condition] of when.entries()) checkCondition(condition, at.at('when', number));
  }
}

function checkAction(policy: AuthorizationSourceObject, place: Place): void {
  const action = actionOf(policy);
  const { rules = [], provider } = policy.body.spec ?? {};
  if ((action === 'DENY' || action === 'CUSTOM') && rules.length === 0) {
    place.error(`${action} without rules never matches`, 'add a rule: {} matches every request');
  }
  if (action !== 'CUSTOM' && provider !== undefined) {
    place.at('provider').error(`is for CUSTOM alone, and the action is ${action}`);
  }
  if (action === 'CUSTOM' && provider === undefined) {
    place.at('provider').error('is missing: CUSTOM has to name who decides');
  }
}

function checkSource(source: AuthorizationSource, place: Place): void {
  if (Object.keys(source).length === 0) {
    place.error('says nothing', 'to let nobody in, remove the rule; for every source, leave out "from"');
  }
  const { serviceAccounts, notServiceAccounts, principals, notPrincipals, namespaces, notNamespaces } = source;
  const hasAccounts = serviceAccounts !== undefined || notServiceAccounts !== undefined;
  const others = [principals, notPrincipals, namespaces, notNamespaces];
  if (hasAccounts && others.some((other) => other !== undefined)) {
    place.error('serviceAccounts may not stand beside principals or namespaces');
  }
}

function checkCondition({ key, values = [], notValues = [] }: AuthorizationCondition, place: Place): void {
  const read = readConditionKey(key);
  if (!read.ok) {
    place.at('key').error(read.message, read.hint);
    return;
  }
  if (values.length + notValues.length === 0) place.error('has neither values nor notValues');
  for (const [name, list] of [
    ['values', values],
    ['notValues', notValues],
  ] as const) {
    for (const [index, value] of list.entries()) {
      const problem = valueProblem(read.key, value);
      if (problem !== undefined) place.at(name, index).error(problem);
    }
  }
}

function valueProblem({ kind }: ConditionKey, value: string): string | undefined {
  switch (kind) {
    case 'sourceIp':
    case 'remoteIp':
    case 'destinationIp':
      return cidrProblem(value);
    case 'destinationPort':
      return portProblem(value);
    case 'sourceServiceAccount':
      return serviceAccountProblem(value);
    case 'sourceNamespace':
      return namespaceProblem(value);
    case 'sourcePrincipal':
      return principalProblem(value);
    case 'header':
    case 'claim':
      // Values of requests may have a star of their own.
      return undefined;
    default:
      return wildcardProblem(value);
  }
}
