import type { Entry } from '../entries.js';

/**
 * Ports that are HTTP for no host, where the registry lists them. Nothing tells the addresses of a Service, so where only the
 * registry may be called, such a port is open to all addresses: shut, it would be shut to those that may be called.
 */
export function opaquePorts(entries: readonly Entry[]): number[] {
  const http = new Set(entries.filter(({ isOpaque }) => !isOpaque).map(({ port }) => port));
  const numbers = new Set(entries.map(({ port }) => port));
  return [...numbers].filter((port) => !http.has(port)).sort((a, b) => a - b);
}
