import { create } from '@bufbuild/protobuf';
import { type HttpCorsPolicy, HttpCorsPolicySchema } from '@inmesh/xds/messages';
import { parseGoDuration } from '../durations.js';
import type { Place } from '../place.js';
import type { CorsPolicy } from '../schema/virtual-service.js';
import { stringMatcher, type TextTest } from './matchers.js';
import { fractionOf } from './percents.js';
import { durationOf } from './retry-policies.js';

type Origin = Exclude<TextTest, { kind: 'present' }>;

export interface CorsSettings {
  readonly origins: readonly Origin[];
  readonly methods: readonly string[];
  readonly headers: readonly string[];
  readonly exposed: readonly string[];
  readonly maxAgeSeconds: number | undefined;
  readonly credentials: boolean | undefined;
  readonly forwardsUnmatchedPreflights: boolean;
}

export function buildCors(settings: CorsSettings): HttpCorsPolicy {
  const { origins, methods, headers, exposed, maxAgeSeconds, credentials, forwardsUnmatchedPreflights } = settings;
  return create(HttpCorsPolicySchema, {
    allowOriginStringMatch: origins.map(stringMatcher),
    allowMethods: methods.join(','),
    allowHeaders: headers.join(','),
    exposeHeaders: exposed.join(','),
    ...(maxAgeSeconds !== undefined && { maxAge: String(maxAgeSeconds) }),
    ...(credentials !== undefined && { allowCredentials: credentials }),
    filterEnabled: { defaultValue: fractionOf(100) },
    forwardNotMatchingPreflights: forwardsUnmatchedPreflights,
  });
}

/** A VirtualService's (Istio `TranslateCORSPolicy`). */
export function readCors(policy: CorsPolicy, place: Place): HttpCorsPolicy {
  const { allowOrigins, allowOrigin = [], unmatchedPreflights } = policy;
  const exact = allowOrigin.map((value): Origin => ({ kind: 'exact', value }));
  return buildCors({
    origins: allowOrigins?.flatMap((origin, index) => originOf(origin, place.at('allowOrigins', index))) ?? exact,
    methods: policy.allowMethods ?? [],
    headers: policy.allowHeaders ?? [],
    exposed: policy.exposeHeaders ?? [],
    maxAgeSeconds: secondsOf(policy.maxAge, place.at('maxAge')),
    credentials: policy.allowCredentials,
    forwardsUnmatchedPreflights: unmatchedPreflights !== 'IGNORE',
  });
}

function originOf({ exact, prefix, regex }: NonNullable<CorsPolicy['allowOrigins']>[number], place: Place): Origin[] {
  if (exact !== undefined) return [{ kind: 'exact', value: exact }];
  if (prefix !== undefined) return [{ kind: 'prefix', value: prefix }];
  if (regex !== undefined) return [{ kind: 'regex', value: regex }];
  place.error('must have one of exact, prefix, regex');
  return [];
}

function secondsOf(written: string | undefined, place: Place): number | undefined {
  const duration = durationOf(parseGoDuration(written ?? ''));
  if (duration !== undefined && duration.nanos > 0) place.error(`"${written}" is not a whole number of seconds`);
  return duration === undefined ? undefined : Number(duration.seconds);
}
