import { create } from '@bufbuild/protobuf';
import { HeaderMatcherSchema, type Route, type VirtualHost } from '@inmesh/xds/messages';
import { otherHosts } from './other-hosts.js';
import type { HostsOfPort } from './port-hosts.js';

const httpPort = 80;

/**
 * The virtual hosts of all ports in one list, told apart by the port in the authority. A host without a port is that of port
 * 80, else of the only port that the host has.
 */
export function proxyHosts(ports: readonly HostsOfPort[]): VirtualHost[] {
  const bare = portsOfBareHosts(ports);
  const taken = new Set<string>();
  const hosts = ports.flatMap(({ port, hosts: ofPort }) => ofPort.map((host) => ({ host, port })));
  const merged = hosts.flatMap(({ host, port }) => {
    const domains = host.domains.flatMap((domain) => domainsOf(domain, port, bare.get(domain)));
    const own = domains.filter((domain) => !taken.has(domain) && taken.add(domain));
    // The same listener of a file may be there for two ports, under one name.
    return own.length === 0 ? [] : [{ ...host, name: uniqueName(host.name, port), domains: own }];
  });
  const anyHost = ports.find(({ port }) => port === httpPort)?.hosts.find(({ domains }) => domains.includes('*'));
  return anyHost === undefined ? merged : [...merged, withoutPort(anyHost)];
}

function uniqueName(name: string, port: number): string {
  return name.endsWith(`:${port}`) ? name : `${name}:${port}`;
}

/** Whether a name that ends in a wildcard has a port nobody can say: it is taken with any. */
function domainsOf(domain: string, port: number, bareAt: number | undefined): string[] {
  if (hasPort(domain) || (domain.endsWith('*') && domain !== '*')) return [domain];
  const isBare = domain !== '*' && bareAt === port;
  return [...(isBare ? [domain] : []), `${domain}:${port}`];
}

function portsOfBareHosts(ports: readonly HostsOfPort[]): Map<string, number> {
  const found = new Map<string, number[]>();
  for (const { port, hosts } of ports) {
    for (const domain of hosts.flatMap(({ domains }) => domains).filter((name) => !hasPort(name))) {
      found.set(domain, [...(found.get(domain) ?? []), port]);
    }
  }
  return new Map(
    [...found].flatMap(([domain, numbers]) => {
      const [only] = numbers;
      if (numbers.includes(httpPort)) return [[domain, httpPort]];
      return only !== undefined && numbers.length === 1 ? [[domain, only]] : [];
    }),
  );
}

function hasPort(domain: string): boolean {
  return /:\d+$/.test(domain);
}

/** Any host of port 80 when it comes without a port; with another one it is none of this virtual host. */
function withoutPort(host: VirtualHost): VirtualHost {
  const last = otherHosts('blocked');
  const routes = [...host.routes.map(onlyBare), ...last.routes];
  return { ...host, name: last.name, domains: last.domains, routes };
}

function onlyBare(route: Route): Route {
  const { match } = route;
  return match === undefined ? route : { ...route, match: { ...match, headers: [...match.headers, bareAuthority] } };
}

const bareAuthority = create(HeaderMatcherSchema, {
  name: ':authority',
  headerMatchSpecifier: {
    case: 'stringMatch',
    value: { matchPattern: { case: 'safeRegex', value: { regex: String.raw`[^:]*|\[.*\]` } } },
  },
});
