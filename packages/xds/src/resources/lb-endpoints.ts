import { type LbEndpoint, type LocalityLbEndpoints, SocketAddress_Protocol } from '../messages.js';
import type { FieldScope } from './field-scope.js';

/** The endpoints of a locality and the field that they stand in: the wire format has two places for them. */
export function endpointsOf(
  message: LocalityLbEndpoints,
  at: FieldScope,
): { readonly name: string; readonly items: readonly LbEndpoint[] } {
  const { lbConfig } = message;
  if (lbConfig.case === 'ledsClusterLocalityConfig') at.field('leds_cluster_locality_config').error('is not supported');
  if (lbConfig.case !== 'loadBalancerEndpoints') return { name: 'lb_endpoints', items: message.lbEndpoints };
  return { name: 'load_balancer_endpoints.lb_endpoints', items: lbConfig.value.lbEndpoints };
}

export function socketAddressOf(message: LbEndpoint, at: FieldScope): { host: string; port: number } | undefined {
  const { hostIdentifier } = message;
  if (hostIdentifier.case === 'endpointName') return at.field('endpoint_name').error('is not supported');
  const scope = at.field('endpoint.address');
  const address = hostIdentifier.value?.address?.address;
  if (address?.case === undefined) return scope.error('is missing');
  if (address.case !== 'socketAddress') return scope.error(`should be a socket_address, is "${address.case}"`);
  return checkSocketAddress(address.value, scope.field('socket_address'));
}

function checkSocketAddress(
  { address: host, portSpecifier, protocol }: { address: string; portSpecifier: PortSpecifier; protocol: number },
  at: FieldScope,
): { host: string; port: number } {
  if (host === '') at.field('address').error('must not be empty');
  if (protocol !== SocketAddress_Protocol.TCP) at.field('protocol').error('must be TCP');
  const port = portSpecifier.case === 'portValue' ? portSpecifier.value : 0;
  if (portSpecifier.case === 'namedPort') at.field('named_port').error('is not supported');
  else if (port < 1 || port > 65_535) at.field('port_value').error(`${port} is not between 1 and 65535`);
  return { host, port };
}

type PortSpecifier =
  | { case: 'portValue'; value: number }
  | { case: 'namedPort'; value: string }
  | { case: undefined; value?: undefined };
