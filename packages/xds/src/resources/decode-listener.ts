import type { InboundListener, Listener as ListenerModel } from '@inmesh/core';
import type { HttpConnectionManager, Listener } from '../messages.js';
import { checkConfigSource } from './config-source.js';
import { entryOf } from './connection-managers.js';
import { decodeInboundListener, isInbound, undialled } from './decode-inbound-listener.js';
import type { DecodeResult } from './decode-result.js';
import { decodeVirtualHosts } from './decode-route-configuration.js';
import { deepFreeze } from './deep-freeze.js';
import { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';
import type { FilterConfigs } from './filter-configs.js';
import { decodeHttpFilters } from './http-filters.js';

/** An entry for calls that go out, or in its stead what is demanded of those that come in. */
export interface DecodedListener extends ListenerModel {
  readonly inbound?: InboundListener;
}

/**
 * Reads a listener: a name as it is dialled and a connection manager with its routes. A socket listener without HTTP is
 * taken, and routes nothing.
 */
export function decodeListener(message: Listener): DecodeResult<DecodedListener> {
  return FieldScope.collect((at) => {
    if (message.name === '') at.field('name').error('must not be empty');
    if (isInbound(message)) return deepFreeze(inboundEntry(decodeInboundListener(message, at)));
    reportUnsupported(message, at);
    const entry = entryOf(message, at);
    if (entry === undefined) return at.hasErrors ? undefined : deepFreeze(undialled(`not HTTP: ${message.name}`));
    const { name, manager, at: scope } = entry;
    reportUnsupported(manager, scope);
    const filters = decodeHttpFilters(manager.httpFilters, scope);
    const routes = decodeRoutes(manager, message.name, filters, scope);
    return routes === undefined ? undefined : deepFreeze({ name, routes });
  });
}

function inboundEntry(inbound: InboundListener): DecodedListener {
  return { ...undialled(`inbound: ${inbound.name}`), inbound };
}

function decodeRoutes(
  { routeSpecifier }: HttpConnectionManager,
  listenerName: string,
  filters: FilterConfigs,
  at: FieldScope,
): ListenerModel['routes'] | undefined {
  switch (routeSpecifier.case) {
    case 'rds':
      checkConfigSource(routeSpecifier.value.configSource, at.field('rds.config_source'));
      warnOfFilters(filters, at.field('http_filters'));
      if (routeSpecifier.value.routeConfigName === '') at.field('rds.route_config_name').error('must not be empty');
      return routeSpecifier.value.routeConfigName;
    case 'routeConfig': {
      const { value } = routeSpecifier;
      // Envoy's files call nearly every inline configuration `local_route`: only with its listener is the name unique.
      const name = `${listenerName}/${value.name}`;
      return { name, virtualHosts: decodeVirtualHosts(value, filters, at.field('route_config')) };
    }
    case 'scopedRoutes':
      return undefined;
    case undefined:
      return at.field('route_specifier').error('is missing: either "rds" or "route_config" is needed');
  }
}

/** Routes that come by themselves serve several listeners, and so cannot take over what one of them says. */
function warnOfFilters({ fault }: FilterConfigs, at: FieldScope): void {
  if (fault !== undefined) at.warn('a fault is ignored here: put it on the routes, in their typed_per_filter_config');
}
