import { fromBinary } from '@bufbuild/protobuf';
import type { HeaderMatcher, StringMatcher } from '@inmesh/core';
import { HeaderMatcherSchema } from '../messages.js';
import { decodeHeaderMatcher } from './decode-header-matcher.js';
import type { FieldScope } from './field-scope.js';
import { nestedFields } from './wire-fields.js';

/** Field numbers of Envoy `config.common.matcher.v3.MatchPredicate`, which the protos of gRPC do not have. */
const orMatch = 1;
const andMatch = 2;
const notMatch = 3;
const responseHeadersMatch = 7;

/**
 * The statuses of responses that a `MatchPredicate` matches, as long as it looks at `:status` alone: istiod's matchers do.
 * Undefined, with a warning, for any other. Throws on malformed bytes.
 */
export function statusesOf(predicate: Uint8Array, at: FieldScope): ReadonlySet<number> | undefined {
  const [field] = nestedFields(predicate);
  switch (field?.no) {
    case orMatch:
      return combine(field.bytes, at, (rules) => new Set(rules.flatMap((rule) => [...rule])));
    case andMatch:
      return combine(field.bytes, at, (rules) => statusesWhere((status) => rules.every((rule) => rule.has(status))));
    case notMatch: {
      const excluded = statusesOf(field.bytes, at);
      return excluded && statusesWhere((status) => !excluded.has(status));
    }
    case responseHeadersMatch:
      return statusesOfHeaders(field.bytes, at);
    default:
      return at.warn('is ignored: it looks at other things than the status of a response');
  }
}

function combine(
  matchSet: Uint8Array,
  at: FieldScope,
  join: (rules: readonly ReadonlySet<number>[]) => ReadonlySet<number>,
): ReadonlySet<number> | undefined {
  const rules: ReadonlySet<number>[] = [];
  for (const { bytes } of nestedFields(matchSet)) {
    const statuses = statusesOf(bytes, at);
    if (statuses === undefined) return undefined;
    rules.push(statuses);
  }
  return join(rules);
}

function statusesOfHeaders(headersMatch: Uint8Array, at: FieldScope): ReadonlySet<number> | undefined {
  const matchers: HeaderMatcher[] = [];
  for (const { bytes } of nestedFields(headersMatch)) {
    const matcher = decodeHeaderMatcher(fromBinary(HeaderMatcherSchema, bytes), at);
    if (matcher === undefined) return undefined;
    if (matcher.name !== ':status') return at.warn('is ignored: it looks at other headers than :status');
    matchers.push(matcher);
  }
  return statusesWhere((status) => matchers.every((matcher) => matches(matcher, status)));
}

function statusesWhere(isMember: (status: number) => boolean): ReadonlySet<number> {
  const statuses = new Set<number>();
  for (let status = 100; status < 600; status += 1) if (isMember(status)) statuses.add(status);
  return statuses;
}

function matches({ test, invert }: HeaderMatcher, status: number): boolean {
  switch (test.kind) {
    case 'present':
      return test.present !== invert;
    case 'range':
      return (status >= test.start && status < test.end) !== invert;
    case 'string':
      return matchesText(test.matcher, String(status)) !== invert;
  }
}

/** Digits have no case. */
function matchesText(matcher: StringMatcher, text: string): boolean {
  switch (matcher.kind) {
    case 'exact':
      return text === matcher.value;
    case 'prefix':
      return text.startsWith(matcher.value);
    case 'suffix':
      return text.endsWith(matcher.value);
    case 'contains':
      return text.includes(matcher.value);
    case 'regex':
      return matcher.regex.matches(text);
  }
}
