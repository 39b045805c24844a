import type { JwtAuthentication as AuthenticationModel, JwtRule } from '@inmesh/core';
import type { JwtAuthentication, RequirementRule } from '../messages.js';
import { decodeJwtProvider } from './decode-jwt-provider.js';
import { decodeRequirement } from './decode-jwt-requirement.js';
import { decodeRouteMatch } from './decode-route-match.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';

/** Envoy's HTTP filter `JwtAuthentication`, unpacked by `unpackStrictly`. */
export function decodeJwtAuthentication(message: JwtAuthentication, at: FieldScope): AuthenticationModel {
  const providers = Object.entries(message.providers).flatMap(
    ([name, provider]) => decodeJwtProvider(name, provider, at.field(`providers["${name}"]`)) ?? [],
  );
  const rules = at.each('rules', message.rules, (rule, scope) => decodeRule(rule, message, scope));
  return { providers, rules, ...(message.bypassCorsPreflight && { bypassCorsPreflight: true }) };
}

function decodeRule(message: RequirementRule, whole: JwtAuthentication, at: FieldScope): JwtRule | undefined {
  reportUnsupported(message, at);
  if (message.match === undefined) return at.field('match').error('is missing');
  const match = decodeRouteMatch(message.match, at.field('match'));
  if (match === undefined) return undefined;
  if (match.headers.length + match.query.length > 0 || match.fractionPerMillion !== undefined) {
    return at.field('match').error('only a path tells which requests need a token');
  }
  const needs = decodeNeeds(message, whole, at);
  return needs && { path: match.path, ...needs };
}

/** A rule that asks for nothing says which requests need no token. */
function decodeNeeds(
  { requirementType }: RequirementRule,
  { providers, requirementMap }: JwtAuthentication,
  at: FieldScope,
): Omit<JwtRule, 'path'> | undefined {
  const known = (name: string) => Object.hasOwn(providers, name);
  switch (requirementType.case) {
    case undefined:
      return { providers: [], allowMissing: true, allowMissingOrFailed: false };
    case 'requires':
      return decodeRequirement(requirementType.value, known, at.field('requires'));
    case 'requirementName': {
      const name = requirementType.value;
      const scope = at.field('requirement_name');
      const requirement = Object.hasOwn(requirementMap, name) ? requirementMap[name] : undefined;
      if (requirement === undefined) return scope.error(`"${name}" is not in requirement_map`);
      return decodeRequirement(requirement, known, scope);
    }
  }
}
