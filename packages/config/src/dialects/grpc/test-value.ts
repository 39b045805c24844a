import { compileRegex } from '@inmesh/xds';
import type { HeaderMatcher, StringMatcher } from '@inmesh/xds/messages';

/** Whether a value meets a matcher, before it is inverted; undefined where that cannot be told here. */
export function testValue({ headerMatchSpecifier: test }: HeaderMatcher, value: string): boolean | undefined {
  switch (test.case) {
    case 'presentMatch':
      return test.value;
    case 'exactMatch':
      return value === test.value;
    case 'stringMatch':
      return testText(test.value, value);
    default:
      return undefined;
  }
}

function testText({ matchPattern: pattern, ignoreCase }: StringMatcher, value: string): boolean | undefined {
  const text = ignoreCase ? value.toLowerCase() : value;
  if (pattern.case === 'safeRegex') return testRegex(pattern.value.regex, value);
  if (typeof pattern.value !== 'string') return undefined;
  const wanted = ignoreCase ? pattern.value.toLowerCase() : pattern.value;
  switch (pattern.case) {
    case 'exact':
      return text === wanted;
    case 'prefix':
      return text.startsWith(wanted);
    case 'suffix':
      return text.endsWith(wanted);
    case 'contains':
      return text.includes(wanted);
    default:
      return undefined;
  }
}

function testRegex(source: string, value: string): boolean | undefined {
  const compiled = compileRegex(source);
  return compiled.ok ? compiled.regex.matches(value) : undefined;
}
