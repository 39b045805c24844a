import type { ResetHeader, RetryPolicy } from '@inmesh/core';
import {
  type RetryPolicy_RateLimitedRetryBackOff,
  type RetryPolicy_ResetHeader,
  RetryPolicy_ResetHeaderFormat,
} from '../messages.js';
import { decodePositiveDuration } from './durations.js';
import type { FieldScope } from './field-scope.js';

/** Envoy's longest wait when none is set (route_components.proto `RateLimitedRetryBackOff`). */
const defaultMaxIntervalMs = 300_000;

export function decodeRateLimitedBackoff(
  message: RetryPolicy_RateLimitedRetryBackOff,
  at: FieldScope,
): RetryPolicy['rateLimitedBackoff'] {
  if (message.resetHeaders.length === 0) at.field('reset_headers').error('is empty');
  const resetHeaders = at.each('reset_headers', message.resetHeaders, decodeResetHeader);
  const maxIntervalMs = decodePositiveDuration(message.maxInterval, defaultMaxIntervalMs, at.field('max_interval'));
  return { resetHeaders, maxIntervalMs };
}

function decodeResetHeader({ name, format }: RetryPolicy_ResetHeader, at: FieldScope): ResetHeader | undefined {
  if (name === '') at.field('name').error('must not be empty');
  switch (format) {
    case RetryPolicy_ResetHeaderFormat.SECONDS:
      return { name: name.toLowerCase(), format: 'seconds' };
    case RetryPolicy_ResetHeaderFormat.UNIX_TIMESTAMP:
      return { name: name.toLowerCase(), format: 'unixTimestamp' };
  }
  return at.field('format').error(`${format} is unknown`);
}
