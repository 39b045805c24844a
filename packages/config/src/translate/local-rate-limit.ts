import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type Any, anyPack } from '@bufbuild/protobuf/wkt';
import {
  FilterConfigSchema,
  type LocalRateLimit,
  LocalRateLimitSchema,
  type RateLimit,
  type RateLimit_ActionSchema,
  RateLimitSchema,
  type TokenBucketSchema,
} from '@inmesh/xds/messages';
import { parseGoDuration } from '../durations.js';
import type { Limit } from '../schema/rate-limits.js';
import { headerMatcher } from './matchers.js';
import { fractionOf } from './percents.js';
import { durationOf } from './retry-policies.js';

export interface BuiltRateLimit {
  /** In `typed_per_filter_config`. Side, scope and name have no other place. */
  readonly key: string;
  readonly config: Any;
  /** Undefined for a limit without conditions. */
  readonly actions: RateLimit | undefined;
}

type Action = MessageInitShape<typeof RateLimit_ActionSchema>;
type Bucket = MessageInitShape<typeof TokenBucketSchema>;

interface Condition {
  readonly action: Action;
  /** What the action makes of a call that meets the condition. */
  readonly entry: { readonly key: string; readonly value: string };
}

/** Envoy wants a default bucket on every route: this one is never empty. */
const unlimited: Bucket = { maxTokens: 0xffff_ffff, tokensPerFill: 0xffff_ffff, fillInterval: { seconds: 1n } };

/** A limit as Envoy's `LocalRateLimit`: without conditions its default bucket, else the bucket of one descriptor. */
export function buildRateLimit(limit: Limit, name: string): BuiltRateLimit {
  const { requests, per, side = 'inbound', scope = 'mesh' } = limit;
  const fillInterval = durationOf(parseGoDuration(per));
  const bucket: Bucket = { maxTokens: requests, tokensPerFill: requests, ...(fillInterval && { fillInterval }) };
  const conditions = conditionsOf(limit, name);
  return {
    key: `inmesh.rate_limit.${side}.${scope}.${name}`,
    config: optional(buildMessage(name, bucket, conditions)),
    actions:
      conditions.length === 0
        ? undefined
        : create(RateLimitSchema, { actions: conditions.map(({ action }) => action) }),
  };
}

function buildMessage(name: string, bucket: Bucket, conditions: readonly Condition[]): LocalRateLimit {
  const always = { defaultValue: fractionOf(100) };
  const limited =
    conditions.length === 0
      ? { tokenBucket: bucket }
      : {
          tokenBucket: unlimited,
          descriptors: [{ entries: conditions.map(({ entry }) => entry), tokenBucket: bucket }],
          alwaysConsumeDefaultTokenBucket: false,
        };
  return create(LocalRateLimitSchema, {
    statPrefix: name,
    filterEnabled: always,
    filterEnforced: always,
    rateLimitedAsResourceExhausted: true,
    ...limited,
  });
}

/** The name comes first: the actions of all limits of a route stand together, and only its own may meet its bucket. */
function conditionsOf({ sourceAddress, method, path, headers = {} }: Limit, name: string): Condition[] {
  const tests = [
    ...(method === undefined ? [] : [headerMatcher(':method', { kind: 'exact', value: method })]),
    ...(path === undefined ? [] : [headerMatcher(':path', { kind: 'prefix', value: path })]),
    ...Object.entries(headers)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([header, value]) => headerMatcher(header.toLowerCase(), { kind: 'exact', value })),
  ];
  const conditions: Condition[] = [];
  if (tests.length > 0) {
    const value = { descriptorValue: 'true', headers: tests };
    const action: Action = { actionSpecifier: { case: 'headerValueMatch', value } };
    conditions.push({ action, entry: { key: 'header_match', value: 'true' } });
  }
  if (sourceAddress !== undefined) {
    const action: Action = { actionSpecifier: { case: 'remoteAddress', value: {} } };
    conditions.push({ action, entry: { key: 'remote_address', value: plainAddress(sourceAddress) } });
  }
  if (conditions.length === 0) return [];
  const value = { descriptorKey: 'limit', descriptorValue: name };
  return [
    { action: { actionSpecifier: { case: 'genericKey', value } }, entry: { key: 'limit', value: name } },
    ...conditions,
  ];
}

/** As sockets write it: IPv6 in its shortest form, IPv4 as such. */
function plainAddress(address: string): string {
  if (!address.includes(':')) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  return mapped?.[1] ?? new URL(`http://[${address}]`).hostname.slice(1, -1);
}

/** gRPC refuses a route with a filter that it does not know, unless it may be left out (gRFC A39). */
function optional(message: LocalRateLimit): Any {
  const config = anyPack(LocalRateLimitSchema, message);
  return anyPack(FilterConfigSchema, create(FilterConfigSchema, { config, isOptional: true }));
}
