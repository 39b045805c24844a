import type { Principal, ValueMatcher as ValueMatcherModel } from '@inmesh/core';
import type { MetadataMatcher, MetadataMatcher_PathSegment, ValueMatcher } from '../messages.js';
import { decodeStringMatcher } from './decode-string-matcher.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';

const filterOfTokens = 'envoy.filters.http.jwt_authn';

/** The claims of the verified token, where Istio has Envoy's JWT filter put them. */
export const claimsKey = 'payload';

/** A condition on metadata, of which only the claims of a token are there (Istio's form). */
export function decodeClaimPrincipal(message: MetadataMatcher, at: FieldScope): Principal | undefined {
  reportUnsupported(message, at);
  const keys = at.each('path', message.path, decodeKey);
  const [key, ...path] = keys;
  if (message.filter !== filterOfTokens || key !== claimsKey) {
    return at.error(
      `only the claims of a token are known here: filter "${filterOfTokens}", path "${claimsKey}" and on`,
    );
  }
  if (message.value === undefined) return at.field('value').error('is missing');
  const value = decodeValue(message.value, at.field('value'));
  if (value === undefined) return undefined;
  const claim: Principal = { kind: 'claim', matcher: { path, value } };
  return message.invert ? { kind: 'not', principal: claim } : claim;
}

function decodeKey(message: MetadataMatcher_PathSegment, at: FieldScope): string | undefined {
  reportUnsupported(message, at);
  return message.segment.value === undefined || message.segment.value === ''
    ? at.field('key').error('must not be empty')
    : message.segment.value;
}

function decodeValue(message: ValueMatcher, at: FieldScope): ValueMatcherModel | undefined {
  reportUnsupported(message, at);
  const { matchPattern: pattern } = message;
  switch (pattern.case) {
    case 'presentMatch':
      return pattern.value ? { kind: 'present' } : at.field('present_match').error('must be true');
    case 'stringMatch': {
      const matcher = decodeStringMatcher(pattern.value, at.field('string_match'));
      return matcher && { kind: 'string', matcher };
    }
    case 'listMatch': {
      reportUnsupported(pattern.value, at.field('list_match'));
      const { matchPattern: item } = pattern.value;
      const scope = at.field('list_match.one_of');
      return item.case === undefined ? scope.error('is missing') : decodeItem(item.value, scope);
    }
    case 'orMatch': {
      reportUnsupported(pattern.value, at.field('or_match'));
      return any(at.field('or_match').each('value_matchers', pattern.value.valueMatchers, decodeValue), at);
    }
    case undefined:
      return at.field('match_pattern').error('is missing');
    default:
      return undefined;
  }
}

/** What an item of a list has to be: text, or one of several. */
function decodeItem(message: ValueMatcher, at: FieldScope): ValueMatcherModel | undefined {
  reportUnsupported(message, at);
  const { matchPattern: pattern } = message;
  if (pattern.case === 'stringMatch') {
    const matcher = decodeStringMatcher(pattern.value, at.field('string_match'));
    return matcher && { kind: 'listContains', matcher };
  }
  if (pattern.case === 'orMatch') {
    reportUnsupported(pattern.value, at.field('or_match'));
    return any(at.field('or_match').each('value_matchers', pattern.value.valueMatchers, decodeItem), at);
  }
  return at.error('should be a string_match, or an or_match of them');
}

function any(matchers: readonly ValueMatcherModel[], at: FieldScope): ValueMatcherModel | undefined {
  if (matchers.length === 0) return at.field('or_match.value_matchers').error('is empty');
  return { kind: 'any', matchers };
}
