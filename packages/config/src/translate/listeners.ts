import { create } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import {
  HttpConnectionManagerSchema,
  type Listener,
  ListenerSchema,
  type Route,
  type RouteConfiguration,
  RouteConfigurationSchema,
} from '@inmesh/xds/messages';
import { fromAds } from './config-source.js';
import { maxDirectResponseBytes } from './direct-responses.js';
import { buildHttpFilters } from './filter-configs.js';
import type { MeshPort, MeshService } from './mesh-service.js';

/** As it is dialled. */
export function listenerName({ host }: MeshService, { number }: MeshPort): string {
  return `${host}:${number}`;
}

/**
 * For clients without a proxy (gRFC A27): a name, and where its routes are.
 * @param routes the name of the route configuration
 */
export function buildListener(name: string, routes = name): Listener {
  const manager = create(HttpConnectionManagerSchema, {
    statPrefix: name,
    routeSpecifier: { case: 'rds', value: { routeConfigName: routes, configSource: fromAds } },
    httpFilters: buildHttpFilters(),
  });
  return create(ListenerSchema, { name, apiListener: { apiListener: anyPack(HttpConnectionManagerSchema, manager) } });
}

export function buildRouteConfiguration(
  service: MeshService,
  port: MeshPort,
  routes: readonly Route[],
): RouteConfiguration {
  const name = listenerName(service, port);
  const domains = [service.host, ...service.aliases].flatMap((host) => [host, `${host}:${port.number}`]);
  return create(RouteConfigurationSchema, {
    name,
    virtualHosts: [{ name, domains, routes: [...routes] }],
    maxDirectResponseBodySizeBytes: maxDirectResponseBytes,
  });
}
