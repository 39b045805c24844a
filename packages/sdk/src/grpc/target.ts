import { MeshError } from '@inmesh/core';

export interface GrpcTarget {
  readonly scheme: 'http' | 'https';
  /** `host` or `host:port`, lower-case. */
  readonly authority: string;
}

/** The resolvers whose names the mesh resolves itself; the part between `//` and `/` names a server of theirs. */
const resolverPrefix = /^(?:dns|xds):(?:\/\/[^/]*\/)?/i;
const otherScheme = /^[a-z][a-z0-9+.-]*:(?:\/\/|[^\d])/i;
const authority = /^(?:\[[0-9a-f:.]+\]|[^\s:/?#[\]@]+)(?::\d{1,5})?$/i;

/**
 * Reads `host:port`, with `dns:`, `dns:///`, `xds:///`, `http://` or `https://` before it or not. Without a scheme, and
 * without credentials, calls go in the clear.
 * @throws MeshError `invalid_request`
 */
export function parseTarget(target: string, secure: boolean): GrpcTarget {
  if (typeof target !== 'string') throw badTarget(target);
  const url = /^(https?):\/\/([^/]*)\/?$/i.exec(target);
  if (url !== null) return checked(target, url[1]!.toLowerCase() === 'https' || secure, url[2]!);
  const name = target.replace(resolverPrefix, '');
  if (name === target && otherScheme.test(target)) throw badTarget(target);
  return checked(target, secure, name);
}

/** What a target `xds://AUTHORITY/NAME` or `xds:///NAME` says; undefined for any other. */
export function xdsTarget(
  target: string,
): { readonly name: string; readonly authority: string | undefined } | undefined {
  const [, authority, name] = /^xds:(?:\/\/([^/]*)\/)?(.*)$/i.exec(target) ?? [];
  return name === undefined ? undefined : { name: name.toLowerCase(), authority: authority || undefined };
}

function checked(target: string, secure: boolean, name: string): GrpcTarget {
  if (!authority.test(name)) throw badTarget(target);
  return { scheme: secure ? 'https' : 'http', authority: name.toLowerCase() };
}

function badTarget(target: string): MeshError {
  return new MeshError('invalid_request', {
    message: `${typeof target === 'string' ? JSON.stringify(target) : typeof target} is no target of a gRPC call`,
    hint: 'give host:port, as in mesh.grpc.channel("reviews:9080")',
  });
}
