import type { Bootstrap } from './bootstrap.js';

const scheme = 'xdstp:';

/** Of a name such as `xdstp://AUTHORITY/TYPE/ID`, perhaps empty; undefined for a name of the old kind. */
export function authorityOf(name: string): string | undefined {
  if (!name.startsWith(scheme)) return undefined;
  const [, authority = ''] = /^xdstp:\/\/([^/?#]*)/.exec(name) ?? [];
  return authority;
}

/**
 * The name of the listener of a host (gRFC A47).
 * @param host as it is called, `host:port`
 * @param authority of the target `xds://AUTHORITY/HOST`; undefined for any other target
 * @returns undefined for an authority that the bootstrap does not have
 */
export function listenerName(bootstrap: Bootstrap, host: string, authority?: string): string | undefined {
  const template =
    authority === undefined
      ? (bootstrap.clientListenerTemplate ?? '%s')
      : bootstrap.authorities.get(authority)?.clientListenerTemplate;
  return template === undefined ? undefined : expand(template, host);
}

function expand(template: string, host: string): string {
  const inserted = template.startsWith(scheme) ? encodePath(host) : host;
  return template.replaceAll('%s', () => inserted);
}

/** What RFC 3986 section 3.3 allows in a path stays, with `/`. */
function encodePath(text: string): string {
  return encodeURIComponent(text).replaceAll(/%(?:2F|3A|40|26|3D|2B|24|2C|3B)/g, decodeURIComponent);
}
