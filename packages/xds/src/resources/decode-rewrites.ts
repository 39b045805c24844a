import type { AuthorityRewrite, PathRewrite } from '@inmesh/core';
import type { RegexMatchAndSubstitute, RouteAction } from '../messages.js';
import type { FieldScope } from './field-scope.js';
import { decodeRegexRewrite } from './regex-rewrite.js';

export function decodePathRewrite(
  { prefixRewrite, regexRewrite }: { readonly prefixRewrite: string; readonly regexRewrite?: RegexMatchAndSubstitute },
  at: FieldScope,
): PathRewrite | undefined {
  if (prefixRewrite !== '' && regexRewrite !== undefined) {
    return at.field('regex_rewrite').error('stands beside prefix_rewrite: only one is taken');
  }
  if (prefixRewrite !== '') return { kind: 'prefix', value: prefixRewrite };
  const rewrite = regexRewrite && decodeRegexRewrite(regexRewrite, at.field('regex_rewrite'));
  return rewrite && { kind: 'regex', rewrite };
}

export function decodeAuthorityRewrite(
  { hostRewriteSpecifier: specifier }: RouteAction,
  at: FieldScope,
): AuthorityRewrite | undefined {
  switch (specifier.case) {
    case 'hostRewriteLiteral':
      return specifier.value === '' ? undefined : { kind: 'literal', value: specifier.value };
    case 'autoHostRewrite':
      return specifier.value.value ? { kind: 'endpoint' } : undefined;
    case 'hostRewriteHeader':
      return specifier.value === '' ? undefined : { kind: 'header', name: specifier.value.toLowerCase() };
    case 'hostRewritePathRegex': {
      const rewrite = decodeRegexRewrite(specifier.value, at.field('host_rewrite_path_regex'));
      return rewrite && { kind: 'pathRegex', rewrite };
    }
    case undefined:
      return undefined;
  }
}
