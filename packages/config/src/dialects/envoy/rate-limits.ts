import { create, fromBinary } from '@bufbuild/protobuf';
import { type Any, anyIs, anyPack } from '@bufbuild/protobuf/wkt';
import {
  FilterConfigSchema,
  type HttpFilter,
  HttpFilterSchema,
  type LocalRateLimit,
  LocalRateLimitSchema,
  type Route,
  type TokenBucket,
  type VirtualHost,
} from '@inmesh/xds/messages';
import type { HostsOfPort } from './port-hosts.js';

const anyLimit = 'inmesh.rate_limit.';
const outboundLimit = 'inmesh.rate_limit.outbound.';

/**
 * With the limits that the caller keeps, as Envoy takes them: those of the called stand in the same routes. They move to the
 * virtual host, since Envoy counts apart what stands in two places. So a limit of all hosts together is one of each host, and
 * one that all processes share each proxy's own, as it is in a mesh without a Redis.
 */
export function withOwnLimits({ port, hosts }: HostsOfPort): HostsOfPort {
  return { port, hosts: hosts.map(withOwnLimitsOfHost) };
}

function withOwnLimitsOfHost(host: VirtualHost): VirtualHost {
  const limits = host.routes.flatMap(({ typedPerFilterConfig }) =>
    Object.entries(typedPerFilterConfig).filter(isLimit),
  );
  if (limits.length === 0) return host;
  const own = new Map(limits.filter(([name]) => name.startsWith(outboundLimit)));
  const converted = Object.fromEntries([...own].map(([name, config]) => [name, convertLimit(config)]));
  const routes = host.routes.map(withoutLimits);
  return { ...host, routes, typedPerFilterConfig: { ...host.typedPerFilterConfig, ...converted } };
}

/** A filter for each limit, by whose name virtual hosts say how much it is: one filter has one bucket for a host. */
export function limitFilters(hosts: readonly VirtualHost[]): HttpFilter[] {
  const limits = hosts.flatMap(({ typedPerFilterConfig }) => Object.entries(typedPerFilterConfig).filter(isLimit));
  return [...new Set(limits.map(([name]) => name))].sort().map((name) => {
    const empty = create(LocalRateLimitSchema, { statPrefix: name });
    return create(HttpFilterSchema, {
      name,
      configType: { case: 'typedConfig', value: anyPack(LocalRateLimitSchema, empty) },
    });
  });
}

function isLimit([name]: [string, Any]): boolean {
  return name.startsWith(anyLimit);
}

function withoutLimits(route: Route): Route {
  const entries = Object.entries(route.typedPerFilterConfig);
  if (!entries.some(isLimit)) return route;
  return { ...route, typedPerFilterConfig: Object.fromEntries(entries.filter((entry) => !isLimit(entry))) };
}

function convertLimit(config: Any): Any {
  if (!anyIs(config, FilterConfigSchema)) return config;
  const { config: inner } = fromBinary(FilterConfigSchema, config.value);
  if (inner === undefined || !anyIs(inner, LocalRateLimitSchema)) return config;
  return anyPack(LocalRateLimitSchema, withSlowBuckets(fromBinary(LocalRateLimitSchema, inner.value)));
}

function withSlowBuckets(limit: LocalRateLimit): LocalRateLimit {
  const descriptors = limit.descriptors.map((descriptor) => ({
    ...descriptor,
    ...(descriptor.tokenBucket && { tokenBucket: slowed(descriptor.tokenBucket) }),
  }));
  return { ...limit, descriptors, ...(limit.tokenBucket && { tokenBucket: slowed(limit.tokenBucket) }) };
}

const shortestFillMs = 50;

/** Envoy refuses to fill a bucket more often than each 50 ms: it is filled with more at a time. */
function slowed(bucket: TokenBucket): TokenBucket {
  const { seconds = 0n, nanos = 0 } = bucket.fillInterval ?? {};
  const ms = Number(seconds) * 1000 + nanos / 1e6;
  if (bucket.fillInterval === undefined || ms >= shortestFillMs) return bucket;
  const times = Math.ceil(shortestFillMs / ms);
  return {
    ...bucket,
    maxTokens: atMost32Bits(bucket.maxTokens * times),
    tokensPerFill: atMost32Bits((bucket.tokensPerFill ?? 1) * times),
    fillInterval: { ...bucket.fillInterval, seconds: 0n, nanos: nanos * times },
  };
}

function atMost32Bits(count: number): number {
  return Math.min(count, 0xffff_ffff);
}
