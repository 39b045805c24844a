import type { RateLimitAction } from '@inmesh/core';
import type { RateLimit, RateLimit_Action } from '../messages.js';
import { decodeHeaderMatcher } from './decode-header-matcher.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';

/** The lists of actions of a stage, each of which makes one descriptor (Envoy `RateLimit`). */
export function decodeRateLimitActions(
  rateLimits: readonly RateLimit[],
  stage: number,
  at: FieldScope,
): RateLimitAction[][] {
  return at.each('rate_limits', rateLimits, (message, place) => {
    if ((message.stage ?? 0) !== stage) return undefined;
    reportUnsupported(message, place);
    const actions = place.each('actions', message.actions, decodeAction);
    // A descriptor without one of its entries would be another one.
    return actions.length === message.actions.length ? actions : undefined;
  });
}

function decodeAction(message: RateLimit_Action, at: FieldScope): RateLimitAction | undefined {
  reportUnsupported(message, at);
  const { actionSpecifier: specifier } = message;
  switch (specifier.case) {
    case 'sourceCluster':
    case 'destinationCluster':
    case 'remoteAddress':
      return { kind: specifier.case };
    case 'genericKey': {
      const { descriptorKey, descriptorValue } = specifier.value;
      return { kind: 'genericKey', key: descriptorKey || 'generic_key', value: descriptorValue };
    }
    case 'requestHeaders': {
      const { headerName, descriptorKey, skipIfAbsent } = specifier.value;
      return { kind: 'requestHeader', name: headerName.toLowerCase(), key: descriptorKey, skipIfAbsent };
    }
    case 'headerValueMatch': {
      const { descriptorKey, descriptorValue, expectMatch = true, headers } = specifier.value;
      const matchers = at.field('header_value_match').each('headers', headers, decodeHeaderMatcher);
      const key = descriptorKey || 'header_match';
      return { kind: 'headerValueMatch', key, value: descriptorValue, expect: expectMatch, headers: matchers };
    }
    default:
      return undefined;
  }
}
