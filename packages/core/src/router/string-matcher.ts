import type { StringMatcher } from '../model/route.js';

export type TextTest = (text: string) => boolean;

/** Envoy `type.matcher.v3.StringMatcher`. A regex matches the whole text and knows no `ignoreCase`. */
export function compileStringMatcher(matcher: StringMatcher): TextTest {
  if (matcher.kind === 'regex') return (text) => matcher.regex.matches(text);
  if (!matcher.ignoreCase) return literalTest(matcher.kind, matcher.value);
  const test = literalTest(matcher.kind, matcher.value.toLowerCase());
  return (text) => test(text.toLowerCase());
}

function literalTest(kind: 'exact' | 'prefix' | 'suffix' | 'contains', value: string): TextTest {
  switch (kind) {
    case 'exact':
      return (text) => text === value;
    case 'prefix':
      return (text) => text.startsWith(value);
    case 'suffix':
      return (text) => text.endsWith(value);
    case 'contains':
      return (text) => text.includes(value);
  }
}
