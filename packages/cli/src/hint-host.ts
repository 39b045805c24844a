import { nearest } from '@inmesh/config';

export interface Caller {
  readonly namespace?: string | undefined;
  readonly clusterDomain?: string | undefined;
}

/**
 * What to ask for instead of a URL that no listener is for.
 * @param listeners `host:port`
 */
export function hintForUrl(url: string, listeners: readonly string[], caller: Caller): string | undefined {
  const { hostname } = new URL(url);
  const ports = portsByHost(listeners);
  const hosts = hostsByName([...ports.keys()], caller);
  const known = hosts.get(hostname);
  if (known !== undefined) return `${known} has port ${ports.get(known)!.join(', ')}`;
  const near = nearest(hostname, hosts.keys());
  const meant = near === undefined ? sameService(hostname, ports.keys()) : hosts.get(near);
  return meant && `did you mean "${meant}"?`;
}

function portsByHost(listeners: readonly string[]): Map<string, string[]> {
  const ports = new Map<string, string[]>();
  for (const listener of listeners) {
    const colon = listener.lastIndexOf(':');
    const host = listener.slice(0, colon);
    ports.set(host, [...(ports.get(host) ?? []), listener.slice(colon + 1)]);
  }
  return ports;
}

/** By each name that the caller may call them; long names alone would all be near to each other by their ends. */
function hostsByName(hosts: readonly string[], caller: Caller): Map<string, string> {
  const { namespace = 'default', clusterDomain = 'cluster.local' } = caller;
  const ends = [`.${clusterDomain}`, `.svc.${clusterDomain}`, `.${namespace}.svc.${clusterDomain}`];
  const short = hosts.flatMap((host) =>
    ends.filter((end) => host.endsWith(end)).map((end): [string, string] => [host.slice(0, -end.length), host]),
  );
  return new Map([...short, ...hosts.map((host): [string, string] => [host, host])]);
}

/** A Service of the same name in another namespace. */
function sameService(hostname: string, hosts: Iterable<string>): string | undefined {
  const [name] = hostname.split('.');
  return [...hosts].find((host) => host.split('.')[0] === name);
}
