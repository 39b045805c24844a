import type { StringMatcher as StringMatcherModel } from '@inmesh/core';
import type { ListStringMatcher } from '../messages.js';
import { decodeStringMatcher } from './decode-string-matcher.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';

/** Names of headers, in lower case as they are here. */
export function decodeHeaderNames(message: ListStringMatcher | undefined, at: FieldScope): StringMatcherModel[] {
  if (message === undefined) return [];
  reportUnsupported(message, at);
  return at.each('patterns', message.patterns, decodeStringMatcher).map(lowerCase);
}

function lowerCase(matcher: StringMatcherModel): StringMatcherModel {
  return matcher.kind === 'regex' ? matcher : { ...matcher, value: matcher.value.toLowerCase() };
}
