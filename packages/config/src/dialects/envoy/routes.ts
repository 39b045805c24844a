import { create } from '@bufbuild/protobuf';
import { type RouteConfiguration, RouteConfigurationSchema, type VirtualHost } from '@inmesh/xds/messages';
import { maxDirectResponseBytes } from '../../translate/direct-responses.js';
import { withTimeoutAlone } from './timeouts.js';

/** @param last for every host that no other one takes */
export function buildRoutes(name: string, hosts: readonly VirtualHost[], last: VirtualHost): RouteConfiguration {
  const hasLast = hosts.some(({ domains }) => domains.includes('*'));
  return create(RouteConfigurationSchema, {
    name,
    virtualHosts: [...hosts.map(withTimeoutAlone).map(withAttemptCount), ...(hasLast ? [] : [last])],
    maxDirectResponseBodySizeBytes: maxDirectResponseBytes,
  });
}

/** As istiod: who serves a retry knows by `x-envoy-attempt-count` that another tier is retrying. */
function withAttemptCount(host: VirtualHost): VirtualHost {
  return { ...host, includeRequestAttemptCount: true };
}
