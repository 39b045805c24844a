import type { Settings } from '../options.js';

/**
 * The full name of a host as a rule writes it: a name without a dot is that of a Service in the rule's own namespace
 * (Istio: «short names are interpreted relative to the namespace of the rule»); any other is taken as it is.
 */
export function resolveHost(host: string, namespace: string, { clusterDomain }: Settings): string {
  const name = host.toLowerCase();
  return name.includes('.') || isWildcard(name) ? name : `${name}.${namespace}.svc.${clusterDomain}`;
}

export function isWildcard(host: string): boolean {
  return host.startsWith('*');
}

/** `*` matches all, `*.x` every name that ends in `.x`, and everything that a narrower wildcard matches. */
export function matchesWildcard(pattern: string, host: string): boolean {
  return host.length >= pattern.length && host.endsWith(pattern.slice(1)) && host !== pattern.slice(1);
}

/** The patterns that match a host, from the longest to `*`; without looking at any other. */
export function* wildcardsOf(host: string): Generator<string> {
  for (let dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) yield `*${host.slice(dot)}`;
  yield '*';
}
