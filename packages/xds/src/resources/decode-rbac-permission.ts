import type { Permission as PermissionModel } from '@inmesh/core';
import type { Int32Range, Permission, Permission_Set } from '../messages.js';
import { decodeCidrRange } from './decode-cidr-range.js';
import { decodeHeaderMatcher } from './decode-header-matcher.js';
import { decodePathMatcher } from './decode-path-matcher.js';
import { decodePathTemplate } from './decode-path-template.js';
import { decodeStringMatcher } from './decode-string-matcher.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';

const maxPort = 65_535;

/** Envoy RBAC `Permission`. Undefined always goes with an error: no condition may get lost. */
export function decodePermission(message: Permission, at: FieldScope): PermissionModel | undefined {
  reportUnsupported(message, at);
  const { rule } = message;
  switch (rule.case) {
    case 'any':
      return rule.value ? { kind: 'any' } : at.field('any').error('must be true');
    case 'andRules':
      return { kind: 'all', permissions: decodeSet(rule.value, at.field('and_rules')) };
    case 'orRules':
      return { kind: 'oneOf', permissions: decodeSet(rule.value, at.field('or_rules')) };
    case 'notRule': {
      const permission = decodePermission(rule.value, at.field('not_rule'));
      return permission && { kind: 'not', permission };
    }
    case 'destinationPort':
      if (rule.value > maxPort) return at.field('destination_port').error(`${rule.value} is more than ${maxPort}`);
      return { kind: 'destinationPort', port: rule.value };
    case 'destinationPortRange':
      return decodePortRange(rule.value, at.field('destination_port_range'));
    case undefined:
      return at.error('has no rule');
    default:
      return decodeMatch(rule, at);
  }
}

type MatchRule = Exclude<
  Permission['rule'],
  | { case: 'any' | 'andRules' | 'orRules' | 'notRule' | 'destinationPort' | 'destinationPortRange' }
  | { case: undefined }
>;

function decodeMatch(rule: MatchRule, at: FieldScope): PermissionModel | undefined {
  switch (rule.case) {
    case 'header': {
      const matcher = decodeHeaderMatcher(rule.value, at.field('header'));
      return matcher && { kind: 'header', matcher };
    }
    case 'urlPath': {
      const matcher = decodePathMatcher(rule.value, at.field('url_path'));
      return matcher && { kind: 'path', matcher };
    }
    case 'uriTemplate': {
      const template = decodePathTemplate(rule.value, at.field('uri_template'));
      return template && { kind: 'pathTemplate', template };
    }
    case 'destinationIp': {
      const range = decodeCidrRange(rule.value, at.field('destination_ip'));
      return range && { kind: 'destinationIp', range };
    }
    case 'requestedServerName': {
      const matcher = decodeStringMatcher(rule.value, at.field('requested_server_name'));
      return matcher && { kind: 'serverName', matcher };
    }
    case 'metadata':
    case 'matcher':
      return undefined;
  }
}

function decodeSet(message: Permission_Set, at: FieldScope): PermissionModel[] {
  reportUnsupported(message, at);
  if (message.rules.length === 0) at.field('rules').error('is empty');
  return at.each('rules', message.rules, decodePermission);
}

function decodePortRange(message: Int32Range, at: FieldScope): PermissionModel | undefined {
  reportUnsupported(message, at);
  const { start, end } = message;
  if (start < 0 || end > maxPort + 1 || start >= end) {
    return at.error(`[${start}, ${end}) is no range of ports: the first has to be less than the second`);
  }
  return { kind: 'destinationPortRange', start, end };
}
