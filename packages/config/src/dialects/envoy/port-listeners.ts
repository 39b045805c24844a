import type { Client } from '../../client.js';
import { httpListener, tcpListener, virtualOutbound } from './listeners.js';
import { otherHosts } from './other-hosts.js';
import type { HostsOfPort } from './port-hosts.js';
import type { EnvoyEntries } from './proxy-listener.js';
import { limitFilters } from './rate-limits.js';
import { buildRoutes } from './routes.js';

export interface PortsOfClient {
  readonly ports: readonly HostsOfPort[];
  /** Those that are not HTTP. */
  readonly opaque: readonly number[];
  /** Whether only what is listed may be called. */
  readonly registryOnly: boolean;
}

export function listenersByPort({ ports, opaque, registryOnly }: PortsOfClient, client: Client): EnvoyEntries {
  if (client.interception === 'NONE') return httpEntries(ports, '127.0.0.1', false, 'blocked');
  const { listeners, routes } = httpEntries(ports, '0.0.0.0', true, registryOnly ? 'blocked' : 'passed on');
  return { listeners: [...listeners, ...opaque.map(tcpListener), virtualOutbound(registryOnly)], routes };
}

function httpEntries(
  ports: readonly HostsOfPort[],
  address: string,
  isUnbound: boolean,
  others: 'blocked' | 'passed on',
): EnvoyEntries {
  const last = otherHosts(others);
  return {
    routes: ports.map(({ port, hosts }) => buildRoutes(String(port), hosts, last)),
    listeners: ports.map(({ port, hosts }) => {
      const limits = limitFilters(hosts);
      return httpListener({ name: `${address}_${port}`, address, port, isUnbound, routes: String(port), limits });
    }),
  };
}
