import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';

/** Addresses by name; names are in lower case without a trailing dot (hosts(5)). */
export type HostsFile = ReadonlyMap<string, readonly string[]>;

export const emptyHostsFile: HostsFile = new Map();

/** Parses the text of `/etc/hosts`. A name that stands on several lines has the addresses of them all. */
export function parseHostsFile(text: string): HostsFile {
  const hosts = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*$/, '').trim().split(/\s+/);
    if (isIP(address) === 0) continue;
    for (const name of names) addTo(hosts, name.toLowerCase(), address);
  }
  return hosts;
}

/** A file that cannot be read is an empty one. Read once: the kubelet writes a pod's hosts file before the pod starts. */
export function readHostsFile(path = '/etc/hosts'): HostsFile {
  try {
    return parseHostsFile(readFileSync(path, 'utf8'));
  } catch {
    return emptyHostsFile;
  }
}

function addTo(hosts: Map<string, string[]>, name: string, address: string): void {
  const known = hosts.get(name);
  if (known === undefined) hosts.set(name, [address]);
  else if (!known.includes(address)) known.push(address);
}
