import type { StringMatcher as StringMatcherModel } from '@inmesh/core';
import type { StringMatcher } from '../messages.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';
import { decodeRegex } from './regex.js';

/** Envoy `type.matcher.v3.StringMatcher`. `ignore_case` has no effect on a regex. */
export function decodeStringMatcher(message: StringMatcher, at: FieldScope): StringMatcherModel | undefined {
  reportUnsupported(message, at);
  const { matchPattern: pattern, ignoreCase } = message;
  switch (pattern.case) {
    case 'exact':
    case 'prefix':
    case 'suffix':
    case 'contains':
      return literalMatcher(pattern.case, pattern.value, ignoreCase, at.field(pattern.case));
    case 'safeRegex': {
      const regex = decodeRegex(pattern.value, at.field('safe_regex'));
      return regex && { kind: 'regex', regex };
    }
    case 'custom':
      return undefined;
    case undefined:
      return at.field('match_pattern').error('is missing');
  }
}

/** Only an exact match may ask for the empty text; the others would match everything. */
export function literalMatcher(
  kind: 'exact' | 'prefix' | 'suffix' | 'contains',
  value: string,
  ignoreCase: boolean,
  at: FieldScope,
): StringMatcherModel {
  if (value === '' && kind !== 'exact') at.error('must not be empty');
  return { kind, value, ignoreCase };
}
