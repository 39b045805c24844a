import type { RateLimit, TokenBucketSettings } from '@inmesh/core';
import type { HeaderValueOption, LocalRateLimit, RuntimeFractionalPercent, TokenBucket } from '../messages.js';
import { decodePositiveDuration } from './durations.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';
import { decodeFraction } from './percents.js';

/** A bucket that is there because Envoy wants one on every route, and that is never empty. */
const unlimitedTokens = 0xffff_ffff;

/** Envoy's `LocalRateLimit` without what it has no field for; undefined where it counts no call. */
export function decodeLocalRateLimit(
  message: LocalRateLimit,
  at: FieldScope,
): Omit<RateLimit, 'name' | 'side' | 'scope' | 'actions'> | undefined {
  reportUnsupported(message, at);
  const enabledPerMillion = decodeShare(message.filterEnabled, at.field('filter_enabled'));
  const enforcedPerMillion = decodeShare(message.filterEnforced, at.field('filter_enforced'));
  const bucket = decodeBucket(message.tokenBucket, at.field('token_bucket'));
  const descriptors = at.each('descriptors', message.descriptors, (descriptor, place) => {
    reportUnsupported(descriptor, place);
    const own = decodeBucket(descriptor.tokenBucket, place.field('token_bucket'));
    const entries = descriptor.entries.map(({ key, value }) => ({ key, value }));
    return own && { entries, bucket: own };
  });
  if (enabledPerMillion === 0) return undefined;
  const code = message.status?.code ?? 0;
  return {
    bucket,
    descriptors,
    alwaysConsumeDefault: message.alwaysConsumeDefaultTokenBucket ?? true,
    // What is no error cannot tell of a refusal: Envoy takes 429 instead.
    httpStatus: code < 400 ? 429 : code,
    grpcStatus: message.rateLimitedAsResourceExhausted ? 8 : 14,
    responseHeaders: message.responseHeadersToAdd.flatMap((header) => decodeHeader(header, at)),
    enabledPerMillion,
    enforcedPerMillion,
  };
}

/** Undefined for one that never refuses. */
function decodeBucket(message: TokenBucket | undefined, at: FieldScope): TokenBucketSettings | undefined {
  if (message === undefined) return at.error('is missing');
  reportUnsupported(message, at);
  const { maxTokens, tokensPerFill = 1, fillInterval } = message;
  if (maxTokens === 0) at.field('max_tokens').error('must be more than zero');
  if (tokensPerFill === 0) at.field('tokens_per_fill').error('must be more than zero');
  if (fillInterval === undefined) at.field('fill_interval').error('is missing');
  const fillIntervalMs = decodePositiveDuration(fillInterval, 1000, at.field('fill_interval'));
  return maxTokens === unlimitedTokens ? undefined : { maxTokens, tokensPerFill, fillIntervalMs };
}

/** Envoy's default is none of the calls. */
function decodeShare(share: RuntimeFractionalPercent | undefined, at: FieldScope): number {
  if (share?.defaultValue !== undefined) return decodeFraction(share.defaultValue, at.field('default_value'));
  at.warn('is not set, which stands for 0 %: the limit refuses no call');
  return 0;
}

function decodeHeader({ header }: HeaderValueOption, at: FieldScope): string[] {
  if (header === undefined || header.key === '') return [];
  const { key, value, rawValue } = header;
  const text = value !== '' ? value : new TextDecoder('latin1').decode(rawValue);
  if (text.includes('%')) at.field('response_headers_to_add').warn(`"${text}" is sent as it is, without substitution`);
  return [key.toLowerCase(), text];
}
