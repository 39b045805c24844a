import { HealthStatus, type LbEndpoint, type SocketAddress } from '@inmesh/xds/messages';

/** Undefined for what is no address and port, such as a socket in the file system. */
export function addressOf({ hostIdentifier }: LbEndpoint): SocketAddress | undefined {
  if (hostIdentifier.case !== 'endpoint') return undefined;
  const address = hostIdentifier.value.address?.address;
  return address?.case === 'socketAddress' && address.value.portSpecifier.case === 'portValue'
    ? address.value
    : undefined;
}

export function isServing({ healthStatus }: LbEndpoint): boolean {
  return healthStatus === HealthStatus.UNKNOWN || healthStatus === HealthStatus.HEALTHY;
}
