import { create } from '@bufbuild/protobuf';
import { anyIs, anyPack } from '@bufbuild/protobuf/wkt';
import { decodeRouteConfiguration } from '@inmesh/xds';
import {
  HTTPFaultSchema,
  type HttpConnectionManager,
  type HttpFilter,
  type RouteConfiguration,
  RouteConfigurationSchema,
} from '@inmesh/xds/messages';

interface Routed {
  readonly manager: HttpConnectionManager;
  readonly routes: RouteConfiguration;
}

/**
 * A fault filter of a listener is for all of its routes that have no fault of their own. The two part here, so the routes
 * take the fault along. One with mistakes stays, so that they are said where they stand.
 */
export function moveFaults(manager: HttpConnectionManager, routes: RouteConfiguration): Routed {
  const faults = manager.httpFilters.filter(isFault);
  const found = Object.fromEntries(
    faults.flatMap(({ name, configType }) => (configType.case === 'typedConfig' ? [[name, configType.value]] : [])),
  );
  const probe = create(RouteConfigurationSchema, { name: 'probe', typedPerFilterConfig: found });
  if (faults.length === 0 || !decodeRouteConfiguration(probe).ok) return { manager, routes };
  const httpFilters = manager.httpFilters.map((filter) => (faults.includes(filter) ? withoutFault(filter) : filter));
  return {
    manager: { ...manager, httpFilters },
    routes: { ...routes, typedPerFilterConfig: { ...found, ...routes.typedPerFilterConfig } },
  };
}

function isFault({ configType, disabled }: HttpFilter): boolean {
  return configType.case === 'typedConfig' && anyIs(configType.value, HTTPFaultSchema) && !disabled;
}

function withoutFault(filter: HttpFilter): HttpFilter {
  return { ...filter, configType: { case: 'typedConfig', value: anyPack(HTTPFaultSchema, create(HTTPFaultSchema)) } };
}
