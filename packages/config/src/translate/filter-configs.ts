import { create, type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import { type Any, anyPack } from '@bufbuild/protobuf/wkt';
import {
  CorsSchema,
  FilterConfigSchema,
  type HTTPFault,
  HTTPFaultSchema,
  type HttpCorsPolicy,
  HttpCorsPolicySchema,
  type HttpFilter,
  HttpFilterSchema,
  RouterSchema,
} from '@inmesh/xds/messages';

/** What a route or a weighted cluster sets of the filters of its listener: by the name of the filter. */
export type FilterConfigs = Record<string, Any>;

export interface FilterSettings {
  readonly fault?: HTTPFault | undefined;
  readonly cors?: HttpCorsPolicy | undefined;
}

const names = {
  fault: 'envoy.filters.http.fault',
  cors: 'envoy.filters.http.cors',
  router: 'envoy.filters.http.router',
} as const;

/** Of every listener, in the order of istiod. A proxy reads what routes set of a filter only if its listener has it. */
export function buildHttpFilters(): HttpFilter[] {
  return [
    buildFilter(names.cors, CorsSchema, create(CorsSchema), true),
    buildFilter(names.fault, HTTPFaultSchema, create(HTTPFaultSchema)),
    buildFilter(names.router, RouterSchema, create(RouterSchema)),
  ];
}

export function filterConfigs({ fault, cors }: FilterSettings): FilterConfigs {
  return {
    ...(fault !== undefined && { [names.fault]: anyPack(HTTPFaultSchema, fault) }),
    ...(cors !== undefined && { [names.cors]: optional(anyPack(HttpCorsPolicySchema, cors)) }),
  };
}

/** gRPC has no CORS, and refuses a route with a filter that it does not know, unless it may be left out (gRFC A39). */
function optional(config: Any): Any {
  return anyPack(FilterConfigSchema, create(FilterConfigSchema, { config, isOptional: true }));
}

function buildFilter<Desc extends DescMessage>(
  name: string,
  schema: Desc,
  message: MessageShape<Desc>,
  isOptional = false,
): HttpFilter {
  return create(HttpFilterSchema, {
    name,
    isOptional,
    configType: { case: 'typedConfig', value: anyPack(schema, message) },
  });
}
