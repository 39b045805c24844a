import type { MeshSnapshot } from '@inmesh/core';

/**
 * Requests are routed by their Host header, as in Envoy. One that the configuration does not know (a forwarded one, often)
 * leaves the request on its way to the origin, as without a mesh.
 */
export function routedAuthority(
  snapshot: MeshSnapshot,
  { scheme, authority }: { readonly scheme: 'http' | 'https'; readonly authority: string },
  host: string,
): string {
  const listener = snapshot.resolve(scheme, host)?.listener;
  const isUnknown = listener === undefined || listener.passthrough === true || listener.name === '*';
  return isUnknown ? authority : host;
}
