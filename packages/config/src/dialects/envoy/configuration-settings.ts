import type { RouteConfiguration, VirtualHost } from '@inmesh/xds/messages';

/** A virtual host that may leave its configuration: what that says of all of its hosts stands on it. */
export function withSettingsOf(configuration: RouteConfiguration, host: VirtualHost): VirtualHost {
  const { requestHeadersToAdd, requestHeadersToRemove, responseHeadersToAdd, responseHeadersToRemove } = configuration;
  const { typedPerFilterConfig, requestMirrorPolicies } = configuration;
  const headers = [requestHeadersToAdd, requestHeadersToRemove, responseHeadersToAdd, responseHeadersToRemove];
  const saysNothing = [...headers, requestMirrorPolicies].every((list) => list.length === 0);
  if (saysNothing && Object.keys(typedPerFilterConfig).length === 0) return host;
  return {
    ...host,
    // Envoy applies those of the host first.
    requestHeadersToAdd: [...host.requestHeadersToAdd, ...requestHeadersToAdd],
    requestHeadersToRemove: [...host.requestHeadersToRemove, ...requestHeadersToRemove],
    responseHeadersToAdd: [...host.responseHeadersToAdd, ...responseHeadersToAdd],
    responseHeadersToRemove: [...host.responseHeadersToRemove, ...responseHeadersToRemove],
    requestMirrorPolicies: host.requestMirrorPolicies.length > 0 ? host.requestMirrorPolicies : requestMirrorPolicies,
    typedPerFilterConfig: { ...typedPerFilterConfig, ...host.typedPerFilterConfig },
  };
}
