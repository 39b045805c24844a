import type { Any } from '@bufbuild/protobuf/wkt';
import {
  type FilterChain,
  HTTPFaultSchema,
  type HttpConnectionManager,
  HttpConnectionManagerSchema,
  HttpCorsPolicySchema,
  type RouteConfiguration,
} from '../messages.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';
import { harmlessNetworkFilters } from './inbound-tcp-chains.js';
import { reportUnknownFields } from './unknown-fields.js';
import { anyIs, unpackAny } from './unpack-any.js';

interface InboundManager {
  readonly manager: HttpConnectionManager;
  readonly at: FieldScope;
}

/**
 * The connection manager of an inbound chain. Every other filter might be what keeps somebody out, and is refused; so are
 * routes that take filters back or add to them.
 */
export function inboundManagerOf({ filters }: FilterChain, at: FieldScope): InboundManager | undefined {
  const [found] = at.each('filters', filters, (filter, scope) => {
    reportUnsupported(filter, scope);
    const { configType, name } = filter;
    if (configType.case === 'typedConfig' && anyIs(configType.value, HttpConnectionManagerSchema)) {
      return { config: configType.value, at: scope.field('typed_config') };
    }
    return harmlessNetworkFilters.includes(name) ? undefined : scope.error(`"${name}" is not supported, only HTTP is`);
  });
  if (found === undefined)
    return at.field('filters').error('have no HTTP connection manager: only HTTP can be taken in');
  const manager = unpackAny(found.config, HttpConnectionManagerSchema, found.at);
  if (manager === undefined) return undefined;
  reportUnknownFields(manager, found.at);
  reportUnsupported(manager, found.at);
  checkRoutes(manager, found.at);
  return { manager, at: found.at };
}

function checkRoutes({ routeSpecifier }: HttpConnectionManager, at: FieldScope): void {
  if (routeSpecifier.case === 'rds') at.field('rds').error('is not supported: routes of what comes in are inline');
  if (routeSpecifier.case === 'routeConfig') checkFilterConfigs(routeSpecifier.value, at.field('route_config'));
}

type FilterConfigsByName = Readonly<Record<string, Any>>;

function checkFilterConfigs({ virtualHosts, typedPerFilterConfig }: RouteConfiguration, at: FieldScope): void {
  checkConfigs(typedPerFilterConfig, at);
  at.each('virtual_hosts', virtualHosts, (host, scope) => {
    checkConfigs(host.typedPerFilterConfig, scope);
    scope.each('routes', host.routes, (route, routeScope) => {
      checkConfigs(route.typedPerFilterConfig, routeScope);
      if (route.action.case !== 'route' || route.action.value.clusterSpecifier.case !== 'weightedClusters') return;
      const { clusters } = route.action.value.clusterSpecifier.value;
      const weighted = routeScope.field('route.weighted_clusters');
      weighted.each('clusters', clusters, (cluster, item) => checkConfigs(cluster.typedPerFilterConfig, item));
    });
  });
}

function checkConfigs(configs: FilterConfigsByName, at: FieldScope): undefined {
  for (const [name, config] of Object.entries(configs)) {
    if (anyIs(config, HTTPFaultSchema) || anyIs(config, HttpCorsPolicySchema)) continue;
    at.field(`typed_per_filter_config["${name}"]`).error(
      'is not supported: filters of what comes in are the same for all routes',
    );
  }
}
