import { authorityOf } from '../bootstrap/listener-names.js';
import type { XdsServerConfig } from '../server-config.js';

/** Names, and the servers that are asked for them. */
export interface ServerPart {
  readonly servers: readonly XdsServerConfig[];
  readonly owns: (name: string) => boolean;
}

/**
 * Who is asked for what (gRFC A47): `xdstp://AUTHORITY/...` the servers of that authority, all other names the first part.
 * Authorities with the same servers are one part, so that they share a stream.
 * @param authorities undefined for a client that asks its servers for all they have
 */
export function serverParts(
  servers: readonly XdsServerConfig[],
  authorities: ReadonlyMap<string, readonly XdsServerConfig[]> | undefined,
): ServerPart[] {
  if (authorities === undefined) return [{ servers, owns: () => true }];
  const groups = new Map<string, { servers: readonly XdsServerConfig[]; authorities: Set<string | undefined> }>();
  const add = (authority: string | undefined, of: readonly XdsServerConfig[]) => {
    const key = JSON.stringify(of);
    const group = groups.get(key) ?? { servers: of, authorities: new Set() };
    groups.set(key, group);
    group.authorities.add(authority);
  };
  add(undefined, servers);
  for (const [authority, of] of authorities) add(authority, of);
  return [...groups.values()].map((group) => ({
    servers: group.servers,
    owns: (name) => group.authorities.has(authorityOf(name)),
  }));
}
