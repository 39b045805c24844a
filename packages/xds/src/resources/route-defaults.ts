import type { MirrorPolicy, RetryPolicy } from '@inmesh/core';
import { type HeaderLevels, noHeaders } from './decode-header-mutations.js';
import { noRateLimits, type RateLimitLevel } from './decode-rate-limits.js';
import type { FilterConfigs } from './filter-configs.js';

/** What a route has from the levels above it: its virtual host, its configuration and its listener. */
export interface RouteDefaults {
  readonly retry: RetryPolicy | undefined;
  readonly mirrors: readonly MirrorPolicy[];
  /** Of the levels above, in the order of their turn. */
  readonly headers: HeaderLevels;
  /** Whether the route has its turn behind the levels above, and so the last word (Envoy `most_specific_header_mutations_wins`). */
  readonly mostSpecificHeadersWin: boolean;
  readonly filters: FilterConfigs;
  readonly rateLimits: RateLimitLevel;
}

export const noDefaults: RouteDefaults = {
  retry: undefined,
  mirrors: [],
  headers: noHeaders,
  mostSpecificHeadersWin: false,
  filters: {},
  rateLimits: noRateLimits,
};
