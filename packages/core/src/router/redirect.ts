import type { Call } from '../call.js';
import type { PathMatcher, RedirectAction } from '../model/route.js';
import { rewritePath } from './path-rewrite.js';

/** The `location` of a redirect: an absolute URL, as Envoy puts it together (utility.cc `newUri`). */
export function redirectLocation(action: RedirectAction, match: PathMatcher, call: Call): string {
  const scheme = action.scheme ?? call.scheme;
  return `${scheme}://${authorityOf(action, scheme, call)}${pathOf(action, match, call.path)}`;
}

/** A host of the redirect's own comes without the port of the request. */
function authorityOf({ host, port }: RedirectAction, scheme: string, call: Call): string {
  if (port !== undefined) {
    const name = withoutPort(host ?? call.authority);
    return port === 0 ? name : `${name}:${port}`;
  }
  if (host !== undefined) return host;
  const isDefaultPort = call.authority.endsWith(call.scheme === 'https' ? ':443' : ':80');
  return scheme !== call.scheme && isDefaultPort ? withoutPort(call.authority) : call.authority;
}

function withoutPort(authority: string): string {
  const colon = authority.lastIndexOf(':');
  return colon < 0 || authority.includes(']', colon) ? authority : authority.slice(0, colon);
}

function pathOf({ path, stripQuery }: RedirectAction, match: PathMatcher, requested: string): string {
  if (path?.kind === 'full' && path.value !== '') {
    // A query of the redirect's own replaces that of the request, and is never stripped.
    const own = path.value.includes('?') ? path.value : path.value + (stripQuery ? '' : queryOf(requested));
    return own.startsWith('/') ? own : `/${own}`;
  }
  const target = path === undefined || path.kind === 'full' ? requested : rewritePath(path, match, requested);
  const kept = stripQuery ? target.slice(0, target.length - queryOf(target).length) : target;
  return kept.startsWith('/') ? kept : `/${kept}`;
}

/** With its question mark; empty when there is none. */
function queryOf(path: string): string {
  const at = path.indexOf('?');
  return at < 0 ? '' : path.slice(at);
}
