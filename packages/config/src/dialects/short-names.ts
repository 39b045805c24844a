import type { VirtualHost } from '@inmesh/xds/messages';
import type { Client } from '../client.js';

/**
 * The domains of a virtual host that mean it where this client is: `reviews` is a Service of the client's own namespace. The
 * SDK knows that by the search domains of its pod; what compares names as they are written has to be told.
 */
export function domainsFor({ domains }: VirtualHost, client: Client): readonly string[] {
  const namespace = namespaceOf(domains);
  if (namespace === undefined || client.isIn(namespace)) return domains;
  return domains.filter((domain) => domain.includes('.'));
}

/** Undefined for what is no Service of Kubernetes, whose other names are `reviews.default.svc`, `reviews.default`, `reviews`. */
function namespaceOf(domains: readonly string[]): string | undefined {
  const short = domains.find((domain) => !/[.:*]/.test(domain));
  if (short === undefined) return undefined;
  const full = domains.find((domain) => domain.startsWith(`${short}.`) && domain.endsWith('.svc'));
  return full?.slice(short.length + 1, -'.svc'.length);
}
