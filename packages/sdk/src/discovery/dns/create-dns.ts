import { isIP } from 'node:net';
import { type Clock, MeshError, type Random } from '@inmesh/core';
import { DnsClient } from './dns-client.js';
import { DnsWatcher } from './dns-watcher.js';
import { type HostsFile, readHostsFile } from './hosts-file.js';
import { NameResolver } from './name-resolver.js';
import { type DnsServer, readResolvConf } from './resolv-conf.js';

export interface DnsOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** `ip` or `ip:port`, `[ip]:port` for IPv6. Default: those of /etc/resolv.conf. */
  readonly servers?: readonly string[] | undefined;
  /** Default: that of /etc/resolv.conf. */
  readonly search?: readonly string[] | undefined;
  /** Default: that of /etc/resolv.conf. */
  readonly ndots?: number | undefined;
  /** Default: /etc/hosts, read once. */
  readonly hosts?: HostsFile | undefined;
}

export interface Dns {
  readonly resolver: NameResolver;
  readonly watcher: DnsWatcher;
  close(): void;
}

/**
 * DNS discovery as the machine is configured, with what the options override. `timeout` and `attempts` of /etc/resolv.conf
 * are left aside: they count in whole seconds, and a dead resolver has to be known in 1.2 s.
 * @throws MeshError `invalid_request` for a server that is no address
 */
export function createDns(options: DnsOptions): Dns {
  const { clock, random } = options;
  const file = readResolvConf();
  const client = new DnsClient({ clock, servers: options.servers?.map(parseServer) ?? file.servers });
  const conf = { search: options.search ?? file.search, ndots: options.ndots ?? file.ndots };
  const resolver = new NameResolver({ client, conf, hosts: options.hosts ?? readHostsFile() });
  const watcher = new DnsWatcher({ clock, random, resolver });
  const close = () => {
    watcher.close();
    client.close();
  };
  return { resolver, watcher, close };
}

function parseServer(text: string): DnsServer {
  if (isIP(text) !== 0) return { address: text, port: 53 };
  const match = /^(?:\[(?<v6>[^\]]+)\]|(?<v4>[^:]+))(?::(?<port>\d+))?$/.exec(text)?.groups;
  const address = match?.v6 ?? match?.v4 ?? '';
  const port = Number(match?.port ?? 53);
  if (isIP(address) !== 0 && port >= 1 && port <= 65535) return { address, port };
  throw new MeshError('invalid_request', { message: `dns.servers: ${JSON.stringify(text)} is not ip or ip:port` });
}
