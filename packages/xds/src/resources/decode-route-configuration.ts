import type { RouteConfiguration as RouteConfigurationModel, VirtualHost as VirtualHostModel } from '@inmesh/core';
import type { RouteConfiguration, VirtualHost } from '../messages.js';
import { decodeCors } from './decode-cors.js';
import { decodeHeaderLevels, orderLevels } from './decode-header-mutations.js';
import { decodeMirrors } from './decode-mirror-policy.js';
import { decodeRateLimitLevel, noRateLimits } from './decode-rate-limits.js';
import type { DecodeResult } from './decode-result.js';
import { decodeRetryPolicy } from './decode-retry-policy.js';
import { decodeRoute } from './decode-route.js';
import { deepFreeze } from './deep-freeze.js';
import { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';
import { decodeFilterConfigs, type FilterConfigs, inheritFilterConfigs } from './filter-configs.js';
import { noDefaults, type RouteDefaults } from './route-defaults.js';

/** Reads virtual hosts, their routes and what routes inherit (Envoy route.proto, route_components.proto). */
export function decodeRouteConfiguration(message: RouteConfiguration): DecodeResult<RouteConfigurationModel> {
  return FieldScope.collect((at) => {
    if (message.name === '') at.field('name').error('must not be empty');
    return deepFreeze({ name: message.name, virtualHosts: decodeVirtualHosts(message, {}, at) });
  });
}

/**
 * Of a route configuration that comes by itself or inside a listener; the latter needs no name.
 * @param filters of the listener, for routes that do not say otherwise
 */
export function decodeVirtualHosts(
  message: RouteConfiguration,
  filters: FilterConfigs,
  at: FieldScope,
): VirtualHostModel[] {
  reportUnsupported(message, at);
  const defaults: RouteDefaults = {
    ...noDefaults,
    mirrors: decodeMirrors(message, [], at),
    headers: decodeHeaderLevels(message, at),
    mostSpecificHeadersWin: message.mostSpecificHeaderMutationsWins,
    filters: inheritFilterConfigs(decodeFilterConfigs(message.typedPerFilterConfig, at), filters),
    rateLimits: decodeRateLimitLevel(message, noRateLimits, at),
  };
  const ownerOfDomain = new Map<string, string>();
  return at.each('virtual_hosts', message.virtualHosts, (host, scope) => ({
    name: host.name,
    domains: decodeDomains(host, ownerOfDomain, scope),
    routes: decodeRoutes(host, defaults, scope),
  }));
}

function decodeRoutes(message: VirtualHost, inherited: RouteDefaults, at: FieldScope): VirtualHostModel['routes'] {
  reportUnsupported(message, at);
  const { retryPolicy } = message;
  const defaults: RouteDefaults = {
    retry: retryPolicy && decodeRetryPolicy(retryPolicy, at.field('retry_policy')),
    mirrors: decodeMirrors(message, inherited.mirrors, at),
    headers: orderLevels(decodeHeaderLevels(message, at), inherited.headers, inherited.mostSpecificHeadersWin),
    mostSpecificHeadersWin: inherited.mostSpecificHeadersWin,
    filters: inheritFilterConfigs(decodeFilters(message, at), inherited.filters),
    rateLimits: decodeRateLimitLevel(message, inherited.rateLimits, at),
  };
  return at.each('routes', message.routes, (route, scope) => decodeRoute(route, defaults, scope));
}

/** The policy of the filter wins over the deprecated one of the virtual host. */
function decodeFilters({ cors: deprecated, typedPerFilterConfig }: VirtualHost, at: FieldScope): FilterConfigs {
  const cors = deprecated && decodeCors(deprecated, at.field('cors'));
  return { ...(cors && { cors }), ...decodeFilterConfigs(typedPerFilterConfig, at) };
}

/** A domain may stand once in a whole configuration (Envoy `VirtualHost.domains`). */
function decodeDomains(host: VirtualHost, ownerOfDomain: Map<string, string>, at: FieldScope): string[] {
  if (host.domains.length === 0) at.field('domains').error('is empty');
  return at.each('domains', host.domains, (written, scope) => {
    const domain = written.toLowerCase();
    const owner = ownerOfDomain.get(domain);
    if (owner !== undefined) scope.error(`"${domain}" is taken by virtual host "${owner}" already`);
    ownerOfDomain.set(domain, host.name);
    if (domain === '' || domain.slice(1, -1).includes('*') || /^\*.+\*$/.test(domain)) {
      scope.error(`"${domain}" is not a domain: a * may stand at its beginning or at its end only`);
    }
    return domain;
  });
}
