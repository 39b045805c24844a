import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type HeaderMatcher,
  HeaderMatcherSchema,
  type QueryParameterMatcher,
  QueryParameterMatcherSchema,
  type RouteMatchSchema,
  type StringMatcher,
  StringMatcherSchema,
} from '@inmesh/xds/messages';

/** How a text is compared; `present` takes any. */
export type TextTest =
  | { readonly kind: 'present' }
  | { readonly kind: 'exact' | 'prefix' | 'regex'; readonly value: string };

export type PathTest = { readonly kind: 'exact' | 'prefix' | 'regex'; readonly value: string };

export type PathSpecifier = NonNullable<MessageInitShape<typeof RouteMatchSchema>['pathSpecifier']>;

export function pathSpecifier({ kind, value }: PathTest): PathSpecifier {
  switch (kind) {
    case 'exact':
      return { case: 'path', value };
    case 'prefix':
      return { case: 'prefix', value };
    case 'regex':
      return { case: 'safeRegex', value: { regex: value } };
  }
}

export function headerMatcher(name: string, test: TextTest): HeaderMatcher {
  return create(HeaderMatcherSchema, {
    name,
    headerMatchSpecifier:
      test.kind === 'present'
        ? { case: 'presentMatch', value: true }
        : { case: 'stringMatch', value: stringMatcher(test) },
  });
}

/** Matches where `headerMatcher` does not; a header that is not there counts as empty, where its value is compared. */
export function withoutHeaderMatcher(name: string, test: TextTest): HeaderMatcher {
  const matcher = headerMatcher(name, test);
  // Envoy refuses the two together with `present_match`.
  return { ...matcher, invertMatch: true, treatMissingHeaderAsEmpty: test.kind !== 'present' };
}

export function queryMatcher(name: string, test: TextTest): QueryParameterMatcher {
  return create(QueryParameterMatcherSchema, {
    name,
    queryParameterMatchSpecifier:
      test.kind === 'present'
        ? { case: 'presentMatch', value: true }
        : { case: 'stringMatch', value: stringMatcher(test) },
  });
}

export function stringMatcher({ kind, value }: Exclude<TextTest, { kind: 'present' }>): StringMatcher {
  return create(StringMatcherSchema, {
    matchPattern: kind === 'regex' ? { case: 'safeRegex', value: { regex: value } } : { case: kind, value },
  });
}
