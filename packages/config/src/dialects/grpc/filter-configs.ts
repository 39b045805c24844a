import { fromBinary } from '@bufbuild/protobuf';
import { type Any, anyIs, anyPack } from '@bufbuild/protobuf/wkt';
import { FilterConfigSchema, HTTPFaultSchema } from '@inmesh/xds/messages';
import type { FilterConfigs } from '../../translate/filter-configs.js';

/**
 * What gRPC reads of a route's filters: faults. What may be left out stays; of the rest any would make it refuse the route
 * (gRFC A39). The same object where nothing changes.
 */
export function asGrpcFilters(configs: FilterConfigs): FilterConfigs {
  const entries = Object.entries(configs).map(([name, config]) => [name, config, asGrpcFilter(config)] as const);
  if (entries.every(([, config, changed]) => config === changed)) return configs;
  return Object.fromEntries(entries.flatMap(([name, , changed]) => (changed === undefined ? [] : [[name, changed]])));
}

function asGrpcFilter(config: Any): Any | undefined {
  if (anyIs(config, HTTPFaultSchema)) return asGrpcFault(config);
  if (!anyIs(config, FilterConfigSchema)) return undefined;
  const { config: inner, isOptional } = fromBinary(FilterConfigSchema, config.value);
  // gRPC for Node does not look for a fault inside of it.
  if (inner !== undefined && anyIs(inner, HTTPFaultSchema)) return asGrpcFault(inner);
  return isOptional && inner !== undefined ? config : undefined;
}

/** Without a percentage nothing is injected, which gRPC for Node refuses to read. */
function asGrpcFault(config: Any): Any {
  const fault = fromBinary(HTTPFaultSchema, config.value);
  const isRead = [fault.delay, fault.abort].every((part) => part === undefined || part.percentage !== undefined);
  if (isRead) return config;
  const { delay, abort, ...rest } = fault;
  return anyPack(HTTPFaultSchema, {
    ...rest,
    ...(delay?.percentage !== undefined && { delay }),
    ...(abort?.percentage !== undefined && { abort }),
  });
}
