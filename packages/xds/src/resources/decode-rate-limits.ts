import { fromBinary } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import type { RateLimit, RateLimitAction } from '@inmesh/core';
import {
  type FilterConfig,
  FilterConfigSchema,
  type LocalRateLimit,
  LocalRateLimitSchema,
  type RateLimit as RateLimitMessage,
  type Route,
  VhRateLimitsOptions,
} from '../messages.js';
import { decodeLocalRateLimit } from './decode-local-rate-limit.js';
import { decodeRateLimitActions } from './decode-rate-limit-actions.js';
import type { FieldScope } from './field-scope.js';
import { anyIs, unpackAny } from './unpack-any.js';

/** What Envoy's message has no field for stands in the key: `inmesh.rate_limit.<side>.<scope>.<name>`. */
const meshKey = /^inmesh\.rate_limit\.(inbound|outbound)\.(process|mesh)\.(.+)$/;

type Configs = Readonly<Record<string, Any>>;

/** What routes have from the levels above them. */
export interface RateLimitLevel {
  readonly configs: Configs;
  readonly rateLimits: readonly RateLimitMessage[];
  /** Of routes that add nothing: one object for all of them, so that they count together, as Envoy's do. */
  readonly limits: readonly RateLimit[];
}

export const noRateLimits: RateLimitLevel = { configs: {}, rateLimits: [], limits: [] };

/** A virtual host, or a whole configuration, which has no `rate_limits`. */
export function decodeRateLimitLevel(
  { typedPerFilterConfig, rateLimits = [] }: { typedPerFilterConfig: Configs; rateLimits?: RateLimitMessage[] },
  above: RateLimitLevel,
  at: FieldScope,
): RateLimitLevel {
  const configs = { ...above.configs, ...limitsAmong(typedPerFilterConfig) };
  const limits = decodeAll(configs, ({ stage }) => decodeRateLimitActions(rateLimits, stage, at), at);
  sayWithoutService(rateLimits, limits, at.field('rate_limits'));
  return { configs, rateLimits, limits };
}

/**
 * The limits of a route, in order of their keys. Envoy's `LocalRateLimit` under a name of its own counts where the call is
 * made; the actions of the route, or else of the virtual host, make the descriptors (Envoy `vh_rate_limits`).
 */
export function decodeRateLimits(route: Route, above: RateLimitLevel, at: FieldScope): readonly RateLimit[] {
  const own = limitsAmong(route.typedPerFilterConfig);
  const action = route.action.case === 'route' ? route.action.value : undefined;
  const rateLimits = action?.rateLimits ?? [];
  if (Object.keys(own).length === 0 && rateLimits.length === 0) return above.limits;
  const includesAll = action?.includeVhRateLimits === true;
  const limits = decodeAll(
    { ...above.configs, ...own },
    ({ vhRateLimits, stage }) => {
      const actions = decodeRateLimitActions(rateLimits, stage, at.field('route'));
      if (vhRateLimits === VhRateLimitsOptions.IGNORE) return actions;
      const isIncluded = includesAll || vhRateLimits === VhRateLimitsOptions.INCLUDE || rateLimits.length === 0;
      return isIncluded ? [...actions, ...decodeRateLimitActions(above.rateLimits, stage, at)] : actions;
    },
    at,
  );
  sayWithoutService(rateLimits, limits, at.field('route.rate_limits'));
  return limits;
}

function sayWithoutService(
  rateLimits: readonly RateLimitMessage[],
  limits: readonly RateLimit[],
  at: FieldScope,
): void {
  if (rateLimits.length === 0 || limits.some(({ descriptors }) => descriptors.length > 0)) return;
  at.warn('has an effect only where a local limit has descriptors: there is no rate limit service');
}

function limitsAmong(configs: Configs): Configs {
  return Object.fromEntries(Object.entries(configs).filter(([, config]) => isLimit(config)));
}

/** One that is switched off may have no configuration: then its name tells what it switches off. */
function isLimit(config: Any): boolean {
  const wrapper = readWrapper(config);
  const inner = wrapper === undefined ? config : wrapper.config;
  return inner === undefined ? wrapper?.disabled === true : anyIs(inner, LocalRateLimitSchema);
}

function decodeAll(
  configs: Configs,
  actionsOf: (message: LocalRateLimit) => RateLimitAction[][],
  at: FieldScope,
): RateLimit[] {
  return Object.entries(configs)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([key, config]) => {
      const place = at.field(`typed_per_filter_config["${key}"]`);
      const [, side = 'outbound', scope = 'process', name = ''] = meshKey.exec(key) ?? [];
      const inner = unwrap(config);
      const message = inner && unpackAny(inner, LocalRateLimitSchema, place);
      const limit = message && decodeLocalRateLimit(message, place);
      if (message === undefined || limit === undefined) return [];
      const actions = limit.descriptors.length === 0 ? [] : actionsOf(message);
      return [{ ...limit, name, side: side as RateLimit['side'], scope: scope as RateLimit['scope'], actions }];
    });
}

function unwrap(config: Any): Any | undefined {
  const wrapper = readWrapper(config);
  if (wrapper === undefined) return config;
  return wrapper.disabled ? undefined : wrapper.config;
}

/** Undefined for what is no `FilterConfig`. Malformed ones are told of where filters are read. */
function readWrapper(config: Any): FilterConfig | undefined {
  if (!anyIs(config, FilterConfigSchema)) return undefined;
  try {
    return fromBinary(FilterConfigSchema, config.value);
  } catch {
    return undefined;
  }
}
