import type { Call } from '../call.js';
import { authorityFor, authorityRewriteOf } from '../router/authority-rewrite.js';
import { mutateRequestHeaders, mutateResponseHeaders } from '../router/header-mutation.js';
import { rewritePath } from '../router/path-rewrite.js';
import type { Filter } from '../service.js';

/** Makes the request what the upstream is to see and the response what the caller is to see, once a call. */
export const mutateFilter: Filter = (next) => (call) => {
  if (changesRequest(call)) mutateRequest(call);
  if (!changesResponse(call)) return next(call);
  return next(call).then((reply) => {
    mutateResponseHeaders(call, reply);
    return reply;
  });
};

/** Envoy's `auto_host_rewrite`: the host is the name of the endpoint that was picked, where it has one. */
export const endpointAuthorityFilter: Filter = (next) => (call) => {
  if (authorityRewriteOf(call)?.kind === 'endpoint') writeEndpointName(call);
  return next(call);
};

function changesRequest(call: Call): boolean {
  return (
    call.action!.pathRewrite !== undefined ||
    authorityRewriteOf(call) !== undefined ||
    call.target!.requestHeaders !== undefined ||
    call.route!.requestHeaders.length > 0
  );
}

function changesResponse(call: Call): boolean {
  return call.target!.responseHeaders !== undefined || call.route!.responseHeaders.length > 0;
}

/** In Envoy's order: header values see the host and the path as they came, and a rewritten host may come from a header. */
function mutateRequest(call: Call): void {
  mutateRequestHeaders(call);
  const host = authorityFor(call);
  if (host !== undefined) call.headers.set('host', host);
  const { pathRewrite } = call.action!;
  if (pathRewrite !== undefined) writePath(call, rewritePath(pathRewrite, call.route!.match.path, call.path));
}

function writePath(call: Call, path: string): void {
  if (path === call.path) return;
  call.headers.set('x-envoy-original-path', call.path);
  call.path = path;
}

function writeEndpointName(call: Call): void {
  const { hostname } = call.endpoint!.endpoint;
  if (hostname !== undefined && hostname !== '') call.headers.set('host', hostname);
  // The name of an endpoint tried before must not go to one without a name.
  else if (call.attempt > 1) call.headers.set('host', call.authority);
}
