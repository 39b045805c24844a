import type { HashPolicy } from '@inmesh/core';
import type { RouteAction_HashPolicy } from '../messages.js';
import { decodeDuration } from './durations.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';
import { decodeRegexRewrite } from './regex-rewrite.js';

type Specifier = RouteAction_HashPolicy['policySpecifier'];

/** Undefined for a policy that finds nothing here: the ones before and behind it count. */
export function decodeHashPolicy(message: RouteAction_HashPolicy, at: FieldScope): HashPolicy | undefined {
  reportUnsupported(message, at);
  const { policySpecifier: specifier, terminal } = message;
  switch (specifier.case) {
    case 'header':
      return decodeHeader(specifier.value, terminal, at.field('header'));
    case 'cookie':
      return decodeCookie(specifier.value, terminal, at.field('cookie'));
    case 'connectionProperties':
      return specifier.value.sourceIp ? { kind: 'sourceAddress', terminal } : undefined;
    case 'queryParameter':
      checkName(specifier.value.name, at.field('query_parameter.name'));
      return { kind: 'queryParameter', name: specifier.value.name, terminal };
    case 'filterState':
      return undefined;
    case undefined:
      return at.field('policy_specifier').error('is missing: a header, a cookie, a query parameter or the source IP');
  }
}

function decodeHeader(
  { headerName, regexRewrite }: Extract<Specifier, { case: 'header' }>['value'],
  terminal: boolean,
  at: FieldScope,
): HashPolicy {
  checkName(headerName, at.field('header_name'));
  const rewrite = regexRewrite && decodeRegexRewrite(regexRewrite, at.field('regex_rewrite'));
  return { kind: 'header', name: headerName.toLowerCase(), rewrite, terminal };
}

function decodeCookie(
  message: Extract<Specifier, { case: 'cookie' }>['value'],
  terminal: boolean,
  at: FieldScope,
): HashPolicy {
  reportUnsupported(message, at);
  const { name, ttl, path } = message;
  checkName(name, at.field('name'));
  return { kind: 'cookie', name, ttlMs: ttl && decodeDuration(ttl, 0, at.field('ttl')), path, terminal };
}

function checkName(name: string, at: FieldScope): void {
  if (name === '') at.error('must not be empty');
}
