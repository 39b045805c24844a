import { CorsSchema, HTTPFaultSchema, type HttpFilter, LocalRateLimitSchema, RouterSchema } from '../messages.js';
import { decodeFault } from './decode-fault.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';
import type { FilterConfigs } from './filter-configs.js';
import { anyIs, unpackAny } from './unpack-any.js';

/**
 * Checks that nothing in the chain needs a filter that the mesh lacks, and that it ends in the router (gRFC A39).
 * @returns what the filters do on routes that do not say otherwise
 */
export function decodeHttpFilters(filters: readonly HttpFilter[], at: FieldScope): FilterConfigs {
  const names = new Set<string>();
  const configs = at.each('http_filters', filters, (filter, scope, index) => {
    if (names.has(filter.name)) scope.field('name').error(`"${filter.name}" is used twice`);
    names.add(filter.name);
    return decodeFilter(filter, index === filters.length - 1, scope);
  });
  if (filters.length === 0) at.field('http_filters').error('is empty: a router is needed');
  return Object.assign({}, ...configs);
}

function decodeFilter(filter: HttpFilter, isLast: boolean, at: FieldScope): FilterConfigs | undefined {
  reportUnsupported(filter, at);
  const isRouter = filter.configType.case === 'typedConfig' && anyIs(filter.configType.value, RouterSchema);
  if (isRouter && !isLast) return at.error('a router must be the last filter');
  if (isLast && !isRouter) return at.error('the last filter must be a router');
  return isRouter || filter.disabled ? undefined : decodeOtherFilter(filter, at);
}

function decodeOtherFilter({ configType, name, isOptional }: HttpFilter, at: FieldScope): FilterConfigs | undefined {
  if (configType.case === 'typedConfig' && anyIs(configType.value, HTTPFaultSchema)) {
    const scope = at.field('typed_config');
    const fault = unpackAny(configType.value, HTTPFaultSchema, scope);
    const policy = fault && decodeFault(fault, scope);
    return policy && { fault: { policy } };
  }
  // A CORS filter has no settings of its own: routes have them.
  if (configType.case === 'typedConfig' && anyIs(configType.value, CorsSchema)) return undefined;
  if (configType.case === 'typedConfig' && anyIs(configType.value, LocalRateLimitSchema)) {
    const limit = unpackAny(configType.value, LocalRateLimitSchema, at.field('typed_config'));
    if (limit?.tokenBucket === undefined) return undefined;
    return at
      .field('typed_config.token_bucket')
      .warn('is ignored: only limits of routes and virtual hosts are counted');
  }
  if (isOptional || configType.case === 'configDiscovery') return undefined;
  const type = configType.case === 'typedConfig' ? configType.value.typeUrl : '';
  const filter = type === '' ? `"${name}"` : `"${name}" (${type})`;
  return at.error(`the filter ${filter} is not supported: leave it out, or say is_optional: true`);
}
