import { anyIs } from '@bufbuild/protobuf/wkt';
import { HTTPFaultSchema, type HttpFilter, RouterSchema } from '../messages.js';
import type { FieldScope } from './field-scope.js';
import { unpackAny } from './unpack-any.js';

/** Checks that nothing in the chain needs a filter that the mesh lacks, and that it ends in the router (gRFC A39). */
export function checkHttpFilters(filters: readonly HttpFilter[], at: FieldScope): void {
  const names = new Set<string>();
  at.each('http_filters', filters, (filter, scope, index) => {
    if (names.has(filter.name)) scope.field('name').error(`"${filter.name}" is used twice`);
    names.add(filter.name);
    checkFilter(filter, index === filters.length - 1, scope);
  });
  if (filters.length === 0) at.field('http_filters').error('is empty: a router is needed');
}

function checkFilter(filter: HttpFilter, isLast: boolean, at: FieldScope): void {
  const isRouter = filter.configType.case === 'typedConfig' && anyIs(filter.configType.value, RouterSchema);
  if (isRouter && !isLast) at.error('a router must be the last filter');
  else if (isLast && !isRouter) at.error('the last filter must be a router');
  else if (!isRouter && !filter.disabled) checkOtherFilter(filter, at);
}

function checkOtherFilter(filter: HttpFilter, at: FieldScope): void {
  const { configType } = filter;
  if (configType.case === 'typedConfig' && anyIs(configType.value, HTTPFaultSchema)) {
    // istiod puts an empty one into every listener, for routes to fill in.
    const fault = unpackAny(configType.value, HTTPFaultSchema, at.field('typed_config'));
    if (fault?.delay !== undefined || fault?.abort !== undefined)
      at.warn('fault injection is not supported yet: ignored');
  } else if (!filter.isOptional) {
    const type = configType.case === 'typedConfig' ? configType.value.typeUrl : configType.case;
    at.error(`filter "${filter.name}" (${type ?? 'no type'}) is not supported and not optional`);
  }
}
