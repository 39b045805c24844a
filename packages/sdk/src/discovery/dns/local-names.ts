import { isIP } from 'node:net';
import type { HostsFile } from './hosts-file.js';

// Both: a server that listens on `localhost` binds only the address that its own look-up gave, and which one differs
// between machines. The other endpoint refuses the connection, and a refused connection is always retried.
const loopback = ['127.0.0.1', '::1'] as const;

/**
 * The addresses of names that need no DNS server: address literals (IPv6 with or without brackets), `localhost` and names
 * below it (RFC 6761 section 6.3), then the hosts file. Undefined when DNS has to be asked.
 */
export function localAddresses(hostname: string, hosts: HostsFile): readonly string[] | undefined {
  const literal = hostname.startsWith('[') && hostname.endsWith(']') ? hostname.slice(1, -1) : hostname;
  if (isIP(literal) !== 0) return [literal];
  const name = hostname.toLowerCase().replace(/\.$/, '');
  if (name === 'localhost' || name.endsWith('.localhost')) return loopback;
  return hosts.get(name);
}
