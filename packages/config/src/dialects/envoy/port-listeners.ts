import type { Client } from '../../client.js';
import type { Memory } from '../../memory.js';
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

export function listenersByPort(
  { ports, opaque, registryOnly }: PortsOfClient,
  client: Client,
  memory: Memory,
): EnvoyEntries {
  if (client.interception === 'NONE') return httpEntries(ports, '127.0.0.1', 'blocked', memory);
  const { listeners, routes } = httpEntries(ports, '0.0.0.0', registryOnly ? 'blocked' : 'passed on', memory);
  return { listeners: [...listeners, ...opaque.map(tcpListener), virtualOutbound(registryOnly)], routes };
}

function httpEntries(
  ports: readonly HostsOfPort[],
  address: '0.0.0.0' | '127.0.0.1',
  others: 'blocked' | 'passed on',
  memory: Memory,
): EnvoyEntries {
  const entries = ports.map((hosts) =>
    memory.recall(hosts, 'listener', [address, others], () => httpEntry(hosts, address, others)),
  );
  return { routes: entries.map(({ routes }) => routes), listeners: entries.map(({ listener }) => listener) };
}

function httpEntry({ port, hosts }: HostsOfPort, address: '0.0.0.0' | '127.0.0.1', others: 'blocked' | 'passed on') {
  const routes = buildRoutes(String(port), hosts, otherHosts(others));
  const listener = { name: `${address}_${port}`, address, port, isUnbound: address === '0.0.0.0', routes: routes.name };
  return { routes, listener: httpListener({ ...listener, limits: limitFilters(hosts) }) };
}
