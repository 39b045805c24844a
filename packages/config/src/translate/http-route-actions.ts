import type { RedirectAction, RouteAction_RequestMirrorPolicy, RouteMatch } from '@inmesh/xds/messages';
import type { PathModifier, RequestRedirect, RouteCors } from '../schema/http-route.js';
import type { RequestMirror } from '../schema/route-parts.js';
import type { Backends, RouteOrigin } from './backends.js';
import { buildCors } from './cors-policies.js';
import type { Placed, RouteFilters } from './http-route-filters.js';
import type { TextTest } from './matchers.js';
import { buildMirrors } from './mirrors.js';
import { buildRedirect, samePath } from './redirects.js';
import type { RewriteSettings } from './rewrites.js';

/** The Gateway API's default. */
const defaultRedirectStatus = 302;

export function redirectOf(redirect: RequestRedirect, match: RouteMatch, dialled: number | undefined): RedirectAction {
  const { scheme, hostname = '', path, port, statusCode = defaultRedirectStatus } = redirect;
  return buildRedirect({
    scheme,
    host: hostname,
    port: port ?? derivedPort(scheme, dialled),
    path: path === undefined ? samePath : redirectPath(path, match),
    status: statusCode,
    dialled,
  });
}

/** That of the new scheme, else the one that was dialled (HTTPRoute `requestRedirect.port`). */
function derivedPort(scheme: 'http' | 'https' | undefined, dialled: number | undefined): number | undefined {
  if (scheme === undefined) return dialled;
  return scheme === 'https' ? 443 : 80;
}

function redirectPath(path: PathModifier, match: RouteMatch): RedirectAction['pathRewriteSpecifier'] {
  if (path.type === 'ReplaceFullPath') return { case: 'pathRedirect', value: path.replaceFullPath ?? '' };
  return { case: 'prefixRewrite', value: replacedPrefix(path, match) };
}

export function rewriteOf({ rewrite, host }: RouteFilters, match: RouteMatch): RewriteSettings {
  const { hostname, path } = rewrite?.value ?? {};
  return { host: hostname ?? host, ...(path !== undefined && rewrittenPath(path, match)) };
}

function rewrittenPath(path: PathModifier, match: RouteMatch): RewriteSettings {
  if (path.type === 'ReplacePrefixMatch') return { prefix: replacedPrefix(path, match) };
  const substitution = (path.replaceFullPath ?? '').replaceAll('\\', '\\\\');
  return { regex: { pattern: '/.*', substitution } };
}

/**
 * A prefix is matched by two routes, for itself and for what is below, so that what replaces it ends like what each of them
 * matched: `/x` for `/a` makes `/x` of `/a` and `/x/b` of `/a/b`, and `/` makes `/b` of it, not `//b`.
 */
function replacedPrefix({ replacePrefixMatch = '' }: PathModifier, { pathSpecifier }: RouteMatch): string {
  const path = replacePrefixMatch.replace(/\/+$/, '');
  return pathSpecifier.case === 'path' && path !== '' ? path : `${path}/`;
}

export function mirrorsOf(
  mirrors: readonly Placed<RequestMirror>[],
  origin: RouteOrigin,
  backends: Backends,
): RouteAction_RequestMirrorPolicy[] {
  return mirrors.flatMap(({ value, place }) => {
    const found = backends.find(value.backendRef, origin, place.at('backendRef'), 'no copy is sent');
    return found === undefined ? [] : buildMirrors(found.cluster, shareOf(value));
  });
}

function shareOf({ percent = 100, fraction }: RequestMirror): number {
  if (fraction === undefined) return percent;
  return Math.min(100, (100 * fraction.numerator) / (fraction.denominator ?? 100));
}

export function corsOf(cors: RouteCors) {
  return buildCors({
    origins: (cors.allowOrigins ?? []).map(originOf),
    methods: cors.allowMethods ?? [],
    headers: cors.allowHeaders ?? [],
    exposed: cors.exposeHeaders ?? [],
    // The Gateway API's default.
    maxAgeSeconds: cors.maxAge ?? 5,
    credentials: cors.allowCredentials,
    forwardsUnmatchedPreflights: false,
  });
}

/** A `*` within an origin stands for any text there. */
function originOf(origin: string): Exclude<TextTest, { kind: 'present' }> {
  if (origin === '*' || !origin.includes('*')) return { kind: 'exact', value: origin };
  const parts = origin.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return { kind: 'regex', value: parts.join('.*') };
}
