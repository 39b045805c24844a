import type { HeaderMatcher as HeaderMatcherModel, StringMatcher as StringMatcherModel } from '@inmesh/core';
import type { HeaderMatcher } from '../messages.js';
import { decodeStringMatcher, literalMatcher } from './decode-string-matcher.js';
import type { FieldScope } from './field-scope.js';
import { decodeRegex } from './regex.js';

/** Envoy `HeaderMatcher`, with the deprecated fields that servers still send. Without a specifier: present. */
export function decodeHeaderMatcher(message: HeaderMatcher, at: FieldScope): HeaderMatcherModel | undefined {
  if (message.name === '') at.field('name').error('must not be empty');
  const test = decodeTest(message, at);
  return (
    test && {
      name: message.name.toLowerCase(),
      test,
      invert: message.invertMatch,
      treatMissingAsEmpty: message.treatMissingHeaderAsEmpty,
    }
  );
}

function decodeTest(
  { headerMatchSpecifier: specifier }: HeaderMatcher,
  at: FieldScope,
): HeaderMatcherModel['test'] | undefined {
  switch (specifier.case) {
    case 'presentMatch':
      return { kind: 'present', present: specifier.value };
    case undefined:
      return { kind: 'present', present: true };
    case 'rangeMatch':
      return { kind: 'range', start: Number(specifier.value.start), end: Number(specifier.value.end) };
    default: {
      const matcher = decodeText(specifier, at);
      return matcher && { kind: 'string', matcher };
    }
  }
}

type TextSpecifier = Exclude<
  HeaderMatcher['headerMatchSpecifier'],
  { case: 'presentMatch' } | { case: 'rangeMatch' } | { case: undefined }
>;

function decodeText(specifier: TextSpecifier, at: FieldScope): StringMatcherModel | undefined {
  switch (specifier.case) {
    case 'stringMatch':
      return decodeStringMatcher(specifier.value, at.field('string_match'));
    case 'exactMatch':
      return literalMatcher('exact', specifier.value, false, at.field('exact_match'));
    case 'prefixMatch':
      return literalMatcher('prefix', specifier.value, false, at.field('prefix_match'));
    case 'suffixMatch':
      return literalMatcher('suffix', specifier.value, false, at.field('suffix_match'));
    case 'containsMatch':
      return literalMatcher('contains', specifier.value, false, at.field('contains_match'));
    case 'safeRegexMatch': {
      const regex = decodeRegex(specifier.value, at.field('safe_regex_match'));
      return regex && { kind: 'regex', regex };
    }
  }
}
