import type { RateLimit } from '../model/route.js';

/** An inbound limit `limit` without any bucket, counted by the process, unless told otherwise. */
export function testRateLimit(overrides: Partial<RateLimit> = {}): RateLimit {
  return {
    name: 'limit',
    side: 'inbound',
    scope: 'process',
    bucket: undefined,
    descriptors: [],
    actions: [],
    alwaysConsumeDefault: true,
    httpStatus: 429,
    grpcStatus: 8,
    responseHeaders: [],
    enabledPerMillion: 1_000_000,
    enforcedPerMillion: 1_000_000,
    ...overrides,
  };
}
