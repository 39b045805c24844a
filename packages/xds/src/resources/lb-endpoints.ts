import { type LbEndpoint, type LocalityLbEndpoints, type SocketAddress, SocketAddress_Protocol } from '../messages.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';

/** The endpoints of a locality and the field that they stand in: the wire format has two places for them. */
export function endpointsOf({ lbConfig, lbEndpoints }: LocalityLbEndpoints): {
  readonly name: string;
  readonly items: readonly LbEndpoint[];
} {
  if (lbConfig.case !== 'loadBalancerEndpoints') return { name: 'lb_endpoints', items: lbEndpoints };
  return { name: 'load_balancer_endpoints.lb_endpoints', items: lbConfig.value.lbEndpoints };
}

export function socketAddressOf(message: LbEndpoint, at: FieldScope): { host: string; port: number } | undefined {
  reportUnsupported(message, at);
  const { hostIdentifier } = message;
  if (hostIdentifier.case === 'endpointName') return undefined;
  if (hostIdentifier.value !== undefined) reportUnsupported(hostIdentifier.value, at.field('endpoint'));
  const scope = at.field('endpoint.address');
  const address = hostIdentifier.value?.address?.address;
  if (address?.case === undefined) return scope.error('is missing');
  if (address.case !== 'socketAddress') return scope.error(`should be a socket_address, is "${address.case}"`);
  return checkSocketAddress(address.value, scope.field('socket_address'));
}

function checkSocketAddress(message: SocketAddress, at: FieldScope): { host: string; port: number } {
  reportUnsupported(message, at);
  const { address: host, portSpecifier, protocol } = message;
  if (host === '') at.field('address').error('must not be empty');
  if (protocol !== SocketAddress_Protocol.TCP) at.field('protocol').error('must be TCP');
  const port = portSpecifier.case === 'portValue' ? portSpecifier.value : 0;
  if (portSpecifier.case !== 'namedPort' && (port < 1 || port > 65_535)) {
    at.field('port_value').error(`${port} is not between 1 and 65535`);
  }
  return { host, port };
}
