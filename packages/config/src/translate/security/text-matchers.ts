import { create } from '@bufbuild/protobuf';
import { type HeaderMatcher, HeaderMatcherSchema, type StringMatcher, StringMatcherSchema } from '@inmesh/xds/messages';

/**
 * A text of a policy: `*` for any that is not empty, `*end`, `start*`, or the whole text (Istio `StringMatcherWithPrefix`).
 * @param before what stands before each value, such as `spiffe://`
 */
export function policyMatcher(value: string, before = ''): StringMatcher {
  if (value === '*') return regexMatcher('.+');
  if (value.startsWith('*')) {
    const end = value.slice(1);
    return before === '' ? matcher({ case: 'suffix', value: end }) : regexMatcher(`${quoted(before)}.*${quoted(end)}`);
  }
  if (value.endsWith('*')) return matcher({ case: 'prefix', value: before + value.slice(0, -1) });
  return matcher({ case: 'exact', value: before + value });
}

export function regexMatcher(regex: string): StringMatcher {
  return matcher({ case: 'safeRegex', value: { regex } });
}

/** As above, of a header; `*` for one that is there. */
export function policyHeaderMatcher(name: string, value: string, ignoreCase = false): HeaderMatcher {
  return create(HeaderMatcherSchema, {
    name,
    headerMatchSpecifier:
      value === '*'
        ? { case: 'presentMatch', value: true }
        : { case: 'stringMatch', value: { ...policyMatcher(value), ignoreCase } },
  });
}

/** RE2's special characters, none of which means itself. */
export function quoted(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');
}

type Pattern = Parameters<typeof create<typeof StringMatcherSchema>>[1];

function matcher(matchPattern: NonNullable<Pattern>['matchPattern'] & object): StringMatcher {
  return create(StringMatcherSchema, { matchPattern });
}
