import type { RouteConfiguration as RouteConfigurationModel, VirtualHost as VirtualHostModel } from '@inmesh/core';
import { type RouteConfiguration, type VirtualHost, VirtualHost_TlsRequirementType } from '../messages.js';
import type { DecodeResult } from './decode-result.js';
import { decodeRetryPolicy } from './decode-retry-policy.js';
import { decodeRoute } from './decode-route.js';
import { deepFreeze } from './deep-freeze.js';
import { FieldScope } from './field-scope.js';
import { warnIgnored } from './ignored-fields.js';

/** Reads virtual hosts, their routes and the retry policies that routes inherit (Envoy route.proto, route_components.proto). */
export function decodeRouteConfiguration(message: RouteConfiguration): DecodeResult<RouteConfigurationModel> {
  return FieldScope.collect((at) => {
    if (message.name === '') at.field('name').error('must not be empty');
    return deepFreeze({ name: message.name, virtualHosts: decodeVirtualHosts(message, at) });
  });
}

/** Of a route configuration that comes by itself or inside a listener; the latter needs no name. */
export function decodeVirtualHosts(message: RouteConfiguration, at: FieldScope): VirtualHostModel[] {
  if (message.vhds !== undefined) at.field('vhds').error('is not supported');
  warnIgnored(at, {
    request_headers_to_add: message.requestHeadersToAdd,
    request_headers_to_remove: message.requestHeadersToRemove,
    response_headers_to_add: message.responseHeadersToAdd,
    response_headers_to_remove: message.responseHeadersToRemove,
    request_mirror_policies: message.requestMirrorPolicies,
    typed_per_filter_config: Object.keys(message.typedPerFilterConfig),
  });
  const ownerOfDomain = new Map<string, string>();
  return at.each('virtual_hosts', message.virtualHosts, (host, scope) => decodeVirtualHost(host, ownerOfDomain, scope));
}

function decodeVirtualHost(message: VirtualHost, ownerOfDomain: Map<string, string>, at: FieldScope): VirtualHostModel {
  refuseUnsupported(message, at);
  warnIgnored(at, {
    request_headers_to_add: message.requestHeadersToAdd,
    request_headers_to_remove: message.requestHeadersToRemove,
    response_headers_to_add: message.responseHeadersToAdd,
    response_headers_to_remove: message.responseHeadersToRemove,
    request_mirror_policies: message.requestMirrorPolicies,
    rate_limits: message.rateLimits,
    cors: message.cors,
    hedge_policy: message.hedgePolicy,
    retry_policy_typed_config: message.retryPolicyTypedConfig,
    typed_per_filter_config: Object.keys(message.typedPerFilterConfig),
  });
  const retry = message.retryPolicy && decodeRetryPolicy(message.retryPolicy, at.field('retry_policy'));
  return {
    name: message.name,
    domains: decodeDomains(message, ownerOfDomain, at),
    routes: at.each('routes', message.routes, (route, scope) => decodeRoute(route, retry, scope)),
  };
}

function refuseUnsupported({ matcher, requireTls }: VirtualHost, at: FieldScope): void {
  if (matcher !== undefined) at.field('matcher').error('is not supported');
  if (requireTls !== VirtualHost_TlsRequirementType.NONE) at.field('require_tls').error('is not supported yet');
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
