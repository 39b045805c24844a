import type { RouteConfiguration, VirtualHost } from '@inmesh/xds/messages';
import type { Client } from '../../client.js';
import type { Memory } from '../../memory.js';
import type { Entry } from '../entries.js';
import { domainsFor } from '../short-names.js';
import { withSettingsOf } from './configuration-settings.js';
import { withOwnLimits } from './rate-limits.js';

/** All virtual hosts of one port, each domain once, with the limits that the caller keeps. */
export interface HostsOfPort {
  readonly port: number;
  readonly hosts: readonly VirtualHost[];
}

/** A proxy has one listener for a port, where the SDK has one for each host. Sorted by port. */
export function hostsByPort(entries: readonly Entry[], client: Client, memory: Memory): HostsOfPort[] {
  const byPort = new Map<number, Entry[]>();
  for (const entry of entries) {
    const known = byPort.get(entry.port);
    if (known === undefined) byPort.set(entry.port, [entry]);
    else known.push(entry);
  }
  return [...byPort]
    .sort(([a], [b]) => a - b)
    .map(([port, ofPort]) =>
      memory.recallOf('envoy port', ofPort, () => withOwnLimits({ port, hosts: mergeHosts(port, ofPort, client) })),
    );
}

function mergeHosts(port: number, entries: readonly Entry[], client: Client): VirtualHost[] {
  const owners = new Map(entries.map(({ name, routes }) => [name, routes]));
  const taken = new Set<string>();
  const names = new Set<string>();
  return [...new Set(owners.values())].flatMap((configuration) =>
    configuration.virtualHosts.flatMap((host) => {
      const domains = domainsFor(host, client).filter((domain) => {
        const key = domain.toLowerCase();
        return isOwn(key, port, configuration, owners) && claim(taken, key);
      });
      return domains.length === 0 ? [] : [named(withDomains(withSettingsOf(configuration, host), domains), names)];
    }),
  );
}

/** What a listener is named after takes the routes of this listener, whatever other routes say of the same name. */
function isOwn(
  domain: string,
  port: number,
  configuration: RouteConfiguration,
  owners: ReadonlyMap<string, RouteConfiguration>,
): boolean {
  const owner = owners.get(/:\d+$/.test(domain) ? domain : `${domain}:${port}`);
  return owner === undefined || owner === configuration;
}

/** Envoy refuses routes that have a domain twice: the first one has it. */
function claim(taken: Set<string>, domain: string): boolean {
  const size = taken.size;
  return taken.add(domain).size > size;
}

function withDomains(host: VirtualHost, domains: string[]): VirtualHost {
  return domains.length === host.domains.length ? host : { ...host, domains };
}

/** Envoy's own files call nearly every virtual host `local_service`, and it refuses a name that is there twice. */
function named(host: VirtualHost, names: Set<string>): VirtualHost {
  let { name } = host;
  for (let number = 2; names.has(name); number++) name = `${host.name} ${number}`;
  names.add(name);
  return name === host.name ? host : { ...host, name };
}
