import type { IncomingMessage } from 'node:http';

/** What routers of Express leave on a request. */
export type RoutedMessage = IncomingMessage & {
  originalUrl?: string;
  baseUrl?: string;
  route?: unknown;
  query?: object;
};

/** As the client sent it. Routers of Express and Fastify's `rewriteUrl` change `url`, and keep what the client asked for. */
export function targetOf(req: RoutedMessage): string {
  return req.originalUrl ?? req.url ?? '';
}

/** Path and query; of `http://host/path?query` what is behind the host, and `/` of `*` and of what has no path. */
export function pathOf(req: RoutedMessage): string {
  const target = targetOf(req);
  if (target.startsWith('/')) return target;
  const rest = absoluteForm.exec(target)?.[2] ?? '';
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/** Of a target in absolute-form; undefined for the others. */
export function authorityOfTarget(target: string): string | undefined {
  return target.startsWith('/') ? undefined : absoluteForm.exec(target)?.[1];
}

/** Has the handler see this path and query. What was mounted below a path stays there. */
export function rewriteTarget(req: RoutedMessage, path: string): void {
  if (req.originalUrl !== undefined) req.originalUrl = path;
  const below = path.slice(req.baseUrl?.length ?? 0);
  req.url = below.startsWith('/') ? below : `/${below}`;
  // Express 4 has read it before its first middleware.
  if (Object.hasOwn(req, 'query')) keepOnly(req.query, path);
}

/** Takes from a query that was read already what the path no longer has. */
export function keepOnly(query: unknown, path: string): void {
  if (typeof query !== 'object' || query === null) return;
  const start = path.indexOf('?');
  const kept = new URLSearchParams(start < 0 ? '' : path.slice(start));
  for (const name of Object.keys(query)) {
    const isKept = [...kept.keys()].some((key) => key === name || key.startsWith(`${name}[`));
    if (!isKept) Reflect.deleteProperty(query, name);
  }
}

const absoluteForm = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)(.*)$/i;
