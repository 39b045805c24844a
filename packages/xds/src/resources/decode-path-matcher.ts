import type { PathMatcher as PathMatcherModel, StringMatcher as StringMatcherModel } from '@inmesh/core';
import { compileStringMatcher } from '@inmesh/core';
import type { PathMatcher } from '../messages.js';
import { decodeStringMatcher } from './decode-string-matcher.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';
import { anyCase } from './regex.js';

/** Envoy `type.matcher.v3.PathMatcher`: of the path without its query. */
export function decodePathMatcher(message: PathMatcher, at: FieldScope): PathMatcherModel | undefined {
  reportUnsupported(message, at);
  if (message.rule.case === undefined) return at.field('path').error('is missing');
  const matcher = decodeStringMatcher(message.rule.value, at.field('path'));
  return matcher && pathMatcherOf(matcher);
}

/** Routes never ask for the end or the middle of a path, so the model knows no such kinds. */
function pathMatcherOf(matcher: StringMatcherModel): PathMatcherModel {
  switch (matcher.kind) {
    case 'exact':
    case 'prefix':
      return matcher;
    case 'regex': {
      const { regex } = matcher;
      return { kind: 'regex', regex: { ...regex, matchesAnyCase: anyCase(regex.source) } };
    }
    case 'suffix':
    case 'contains': {
      const { kind, value, ignoreCase } = matcher;
      const source = `${ignoreCase ? '(?i)' : ''}.*\\Q${value}\\E${kind === 'contains' ? '.*' : ''}`;
      const matchesAnyCase = compileStringMatcher({ ...matcher, ignoreCase: true });
      return { kind: 'regex', regex: { source, matches: compileStringMatcher(matcher), matchesAnyCase } };
    }
  }
}
