import { create, fromBinary } from '@bufbuild/protobuf';
import { anyIs, anyPack } from '@bufbuild/protobuf/wkt';
import { decodeListener, decodeRouteConfiguration } from '@inmesh/xds';
import {
  type HttpConnectionManager,
  HttpConnectionManagerSchema,
  type Listener,
  ListenerSchema,
  RdsSchema,
  type RouteConfiguration,
} from '@inmesh/xds/messages';
import type { Place } from '../place.js';
import { fromAds } from '../translate/config-source.js';
import { moveFaults } from './filter-faults.js';
import { withoutDoubleSlashes } from './prefix-rewrites.js';
import { sayProblems } from './say-problems.js';

export interface EntryResources {
  readonly listeners: Listener[];
  readonly routes: RouteConfiguration[];
  /** Where the routes stand, in their order. */
  readonly routePlaces: Place[];
}

/**
 * A socket listener of a proxy as entries of the mesh, one for each host that its routes name: `*:8080` for the domain `*`
 * of a listener on port 8080. Calls to such an authority take the routes that they would take in the proxy.
 */
export function readListener(message: Listener, at: Place, into: EntryResources): void {
  const port = portOf(message);
  if (port === undefined) {
    at.at('address').error('should be a socket_address with a port_value: calls are routed by host and port');
    return;
  }
  let found = false;
  for (const [chainIndex, chain] of message.filterChains.entries()) {
    for (const [index, filter] of chain.filters.entries()) {
      const { configType } = filter;
      const filterAt = at.at('filter_chains', chainIndex, 'filters', index);
      if (configType.case !== 'typedConfig' || !anyIs(configType.value, HttpConnectionManagerSchema)) {
        filterAt.warn(`"${filter.name}" is ignored: only HTTP connection managers are routed`);
        continue;
      }
      found = true;
      const manager = fromBinary(HttpConnectionManagerSchema, configType.value.value);
      addEntries({ name: message.name || `listener-${port}`, port }, manager, filterAt.at('typed_config'), into);
    }
  }
  if (!found) at.warn('has no HTTP connection manager: nothing is routed by it');
}

function addEntries(
  { name, port }: { name: string; port: number },
  written: HttpConnectionManager,
  at: Place,
  into: EntryResources,
): void {
  const { routeSpecifier } = written;
  if (routeSpecifier.case !== 'routeConfig') {
    at.error('has no route_config: routes of a server come by the address in INMESH_XDS');
    return;
  }
  // Envoy's files call nearly every inline configuration `local_route`: only with its listener is the name unique.
  const unique: RouteConfiguration = { ...routeSpecifier.value, name: `${name}/${routeSpecifier.value.name}` };
  const { manager, routes } = moveFaults(written, withoutDoubleSlashes(unique, at.at('route_config')));
  sayProblems(decodeRouteConfiguration(routes), at.at('route_config'));
  const entries = entryNames(routes, port).map((entry) => apiListener(entry, manager, routes.name));
  for (const entry of entries.slice(0, 1)) sayProblems(decodeListener(entry), at, 'api_listener.api_listener');
  into.listeners.push(...entries);
  into.routes.push(routes);
  into.routePlaces.push(at.at('route_config'));
}

function apiListener(name: string, manager: HttpConnectionManager, routeConfigName: string): Listener {
  const value = create(RdsSchema, { routeConfigName, configSource: fromAds });
  const routed: HttpConnectionManager = { ...manager, routeSpecifier: { case: 'rds', value } };
  return create(ListenerSchema, { name, apiListener: { apiListener: anyPack(HttpConnectionManagerSchema, routed) } });
}

/** What is dialled to come to these virtual hosts. A domain such as `api.*` has no shorter name than all hosts. */
function entryNames({ virtualHosts }: RouteConfiguration, port: number): string[] {
  const names = virtualHosts.flatMap(({ domains }) =>
    domains.map((domain) => {
      if (domain.endsWith('*')) return `*:${port}`;
      return /:\d+$/.test(domain) ? domain : `${domain}:${port}`;
    }),
  );
  return [...new Set(names.map((name) => name.toLowerCase()))];
}

function portOf({ address }: Listener): number | undefined {
  if (address?.address.case !== 'socketAddress') return undefined;
  const { portSpecifier } = address.address.value;
  return portSpecifier.case === 'portValue' && portSpecifier.value > 0 ? portSpecifier.value : undefined;
}
