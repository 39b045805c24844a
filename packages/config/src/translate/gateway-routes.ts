import { create } from '@bufbuild/protobuf';
import { type Listener, type Route, type RouteConfiguration, RouteConfigurationSchema } from '@inmesh/xds/messages';
import type { Settings } from '../options.js';
import type { Destinations } from './destinations.js';
import { maxDirectResponseBytes } from './direct-responses.js';
import { gatewayKey } from './gateway-names.js';
import { commonHost, type Gateways, type ServedPort } from './gateways.js';
import { resolveHost } from './hosts.js';
import { matchesEverything } from './http-matches.js';
import { buildRoutes, type RuleSet } from './http-rules.js';
import { buildListener } from './listeners.js';
import type { VirtualServices } from './virtual-services.js';

export interface GatewayResources {
  readonly listeners: readonly Listener[];
  readonly routes: readonly RouteConfiguration[];
}

interface Context {
  readonly virtualServices: VirtualServices;
  readonly destinations: Destinations;
  readonly settings: Settings;
}

/**
 * What a client that is a Gateway is told: for each port one route configuration, and a listener for each host of a
 * VirtualService that is bound to it, so that `*:80` takes every host that no other listener has.
 */
export function buildGatewayResources(gateways: Gateways, context: Context): GatewayResources {
  const numbers = [...new Set(gateways.ports.map(({ number }) => number))];
  const built = numbers.map((number) => {
    const ports = gateways.ports.filter((port) => port.number === number);
    return buildPort(number, ports, context);
  });
  return { listeners: built.flatMap(({ listeners }) => listeners), routes: built.flatMap(({ routes }) => routes) };
}

function buildPort(number: number, ports: readonly ServedPort[], context: Context): GatewayResources {
  const hosts = new Map<string, Route[]>();
  for (const set of context.virtualServices.visible) {
    for (const host of hostsOf(set, ports, context.settings)) {
      const routes = routesOf(set, host, number, ports, context);
      const known = hosts.get(host);
      // Others have the list, too.
      if (known === undefined) hosts.set(host, [...routes]);
      else known.push(...routes);
    }
  }
  if (hosts.size === 0) return { listeners: [], routes: [] };
  // Istio's name for it.
  const name = `http.${number}`;
  const virtualHosts = [...hosts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([host, routes]) => ({
      name: `${host}:${number}`,
      domains: host === '*' ? ['*'] : [host, `${host}:${number}`],
      routes: catchAllLast(routes),
    }));
  const configuration = { name, virtualHosts, maxDirectResponseBodySizeBytes: maxDirectResponseBytes };
  return {
    listeners: [...hosts.keys()].map((host) => buildListener(`${host}:${number}`, name)),
    routes: [create(RouteConfigurationSchema, configuration)],
  };
}

/** Of the VirtualService's hosts those that one of its Gateways has, too. */
function hostsOf({ source }: RuleSet, ports: readonly ServedPort[], settings: Settings): Set<string> {
  const { hosts = [], gateways = [] } = source.body.spec;
  const bound = new Set(gateways.map((name) => gatewayKey(name, source.namespace)));
  const own = hosts.map((host) => resolveHost(host, source.namespace, settings));
  const common = ports
    .filter(({ gateway }) => bound.has(gateway))
    .flatMap((port) => port.hosts)
    .filter(({ namespace }) => namespace === undefined || namespace === source.namespace)
    .flatMap(({ host }) => own.map((other) => commonHost(host, other)));
  return new Set(common.filter((host) => host !== undefined));
}

function routesOf(
  set: RuleSet,
  host: string,
  number: number,
  ports: readonly ServedPort[],
  { destinations, settings: { client, memory } }: Context,
): readonly Route[] {
  const bound = ports.filter((port) => port.hosts.some((served) => commonHost(served.host, host) === host));
  const gateways = new Set(bound.map(({ gateway }) => gateway));
  return buildRoutes(set, { dialled: number, destinations, gateways, client, memory });
}

/** Several VirtualServices may share a host of a Gateway, and what matches everything would hide the rules of the others. */
function catchAllLast(routes: readonly Route[]): Route[] {
  const isLast = ({ match }: Route) => match !== undefined && matchesEverything(match);
  return [...routes.filter((route) => !isLast(route)), ...routes.filter(isLast)];
}
