import type { Route, RouteConfiguration, VirtualHost } from '@inmesh/xds/messages';
import type { Entry } from '../entries.js';
import { asGrpcFilters } from './filter-configs.js';
import { asGrpcRetryPolicy } from './retry-policies.js';
import { asGrpcAction } from './route-actions.js';
import { asGrpcMatches } from './route-matches.js';

/** @param entries what is dialled to come to these routes */
export function asGrpcRoutes(configuration: RouteConfiguration, entries: readonly Entry[]): RouteConfiguration {
  const virtualHosts = mapped(configuration.virtualHosts, (host) => [asGrpcHost(host, configuration, entries)]);
  return virtualHosts === configuration.virtualHosts ? configuration : { ...configuration, virtualHosts };
}

function asGrpcHost(
  host: VirtualHost,
  { typedPerFilterConfig: ofAll }: RouteConfiguration,
  entries: readonly Entry[],
): VirtualHost {
  const routes = mapped(host.routes, asGrpcRoute);
  const domains = withPorts(host.domains, entries);
  // gRPC does not read what the configuration says of filters.
  const filters =
    Object.keys(ofAll).length === 0 ? host.typedPerFilterConfig : { ...ofAll, ...host.typedPerFilterConfig };
  const typedPerFilterConfig = asGrpcFilters(filters);
  const retryPolicy = asGrpcRetryPolicy(host.retryPolicy);
  const isSame =
    routes === host.routes &&
    domains === host.domains &&
    typedPerFilterConfig === host.typedPerFilterConfig &&
    retryPolicy === host.retryPolicy;
  return isSame ? host : { ...host, domains, routes, typedPerFilterConfig, retryPolicy };
}

/** gRPC compares domains with the whole name that is dialled, port and all. */
function withPorts(domains: string[], entries: readonly Entry[]): string[] {
  const added = entries.filter(({ name, host }) => domains.includes(host) && !domains.includes(name));
  return added.length === 0 ? domains : [...domains, ...added.map(({ name }) => name)];
}

function asGrpcRoute(route: Route): readonly Route[] {
  const answered = asGrpcAction(route);
  const matches = route.match === undefined ? [] : asGrpcMatches(route.match);
  return matches.map((match) => (match === answered.match ? answered : { ...answered, match }));
}

/** The same list where nothing changes. */
function mapped<Item>(items: Item[], change: (item: Item) => readonly Item[]): Item[] {
  const changed = items.flatMap(change);
  return changed.length === items.length && changed.every((item, index) => item === items[index]) ? items : changed;
}
