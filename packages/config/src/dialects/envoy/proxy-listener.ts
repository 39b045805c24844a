import type { Listener, RouteConfiguration } from '@inmesh/xds/messages';
import type { Memory } from '../../memory.js';
import { httpListener } from './listeners.js';
import { otherHosts } from './other-hosts.js';
import type { HostsOfPort } from './port-hosts.js';
import { proxyHosts } from './proxy-hosts.js';
import { limitFilters } from './rate-limits.js';
import { buildRoutes } from './routes.js';

export interface EnvoyEntries {
  readonly listeners: readonly Listener[];
  readonly routes: readonly RouteConfiguration[];
}

export function proxyListener(ports: readonly HostsOfPort[], port: number, memory: Memory): EnvoyEntries {
  return memory.recallOf('envoy proxy', [port, ...ports], () => entriesFor(ports, port));
}

function entriesFor(ports: readonly HostsOfPort[], port: number): EnvoyEntries {
  const hosts = proxyHosts(ports);
  // Where a host is that only the caller knows, nothing tells: there is no connection that was meant for it.
  const routes = buildRoutes('http_proxy', hosts, otherHosts('blocked'));
  const listener = { name: `127.0.0.1_${port}`, address: '127.0.0.1', port, isUnbound: false, routes: routes.name };
  return { listeners: [httpListener({ ...listener, limits: limitFilters(hosts) })], routes: [routes] };
}
