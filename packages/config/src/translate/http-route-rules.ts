import type { RouteMatch } from '@inmesh/xds/messages';
import type { Place } from '../place.js';
import type { ReadObject } from '../read-objects.js';
import type { HttpRoute, HttpRouteMatch, HttpRouteRule } from '../schema/http-route.js';
import { filterConfigs } from './filter-configs.js';
import { corsOf, mirrorsOf, redirectOf, rewriteOf } from './http-route-actions.js';
import { type RouteFilters, readFilters } from './http-route-filters.js';
import { readMatch } from './http-route-matches.js';
import { readTimes } from './http-route-times.js';
import type { ActionFields } from './http-rule-actions.js';
import { type RankedRoute, type ReadRule, type RouteContext, rankRoutes } from './ranked-routes.js';
import { forwardTo } from './route-actions.js';

/** Without rules, and without matches in a rule, everything matches (Gateway API defaults). */
export function readHttpRoute(source: ReadObject<HttpRoute>, context: RouteContext): RankedRoute[] {
  const { rules = [{}] } = source.body.spec;
  const place = source.place.at('spec', 'rules');
  const read = rules.map((rule, index) => readRule(rule, source.namespace, context, place.at(index)));
  return rankRoutes('HTTPRoute', source, read);
}

function readRule(rule: HttpRouteRule, namespace: string, context: RouteContext, place: Place): ReadRule {
  const build = readAction(rule, namespace, context, place);
  const matches = matchesOf(rule).map((match, index) => readMatch(match, place.at('matches', index)));
  return { name: rule.name, matches, build };
}

function matchesOf({ matches = [] }: HttpRouteRule): readonly HttpRouteMatch[] {
  return matches.length === 0 ? [{}] : matches;
}

/** What a rule does with a request; what replaces a prefix depends on the match. */
function readAction(
  rule: HttpRouteRule,
  namespace: string,
  { backends, dialled }: RouteContext,
  place: Place,
): (match: RouteMatch) => ActionFields {
  const filters = readFilters(rule.filters ?? [], place.at('filters'));
  checkPrefixes(rule, filters);
  const { redirect, cors } = filters;
  const common = {
    ...filters.headers,
    typedPerFilterConfig: filterConfigs({ cors: cors && corsOf(cors.value) }),
  };
  if (redirect !== undefined) {
    const { backendRefs = [] } = rule;
    if (backendRefs.length > 0)
      redirect.place.error('stands beside backendRefs, which would get no request', 'keep one');
    return (match) => ({ ...common, action: { case: 'redirect', value: redirectOf(redirect.value, match, dialled) } });
  }
  const origin = { kind: 'HTTPRoute', namespace } as const;
  const targets = backends.resolve(rule.backendRefs ?? [], origin, place.at('backendRefs'));
  const mirrors = mirrorsOf(filters.mirrors, origin, backends);
  const { retries, timeout } = readTimes(rule);
  return (match) => {
    const value = forwardTo(targets, retries, { timeout, mirrors, rewrite: rewriteOf(filters, match) });
    return { ...common, action: { case: 'route', value } };
  };
}

/** Only a prefix that was matched can be replaced (HTTPRoute `replacePrefixMatch`). */
function checkPrefixes(rule: HttpRouteRule, { redirect, rewrite }: RouteFilters): void {
  for (const filter of [redirect, rewrite]) {
    const { path } = filter?.value ?? {};
    if (filter === undefined || path === undefined) continue;
    const at = filter.place.at('path');
    const needed = path.type === 'ReplaceFullPath' ? 'replaceFullPath' : 'replacePrefixMatch';
    if (path[needed] === undefined) at.at(needed).error(`must be given for the type ${path.type}`);
    const isPrefix = matchesOf(rule).every((match) => (match.path?.type ?? 'PathPrefix') === 'PathPrefix');
    if (path.type === 'ReplacePrefixMatch' && !isPrefix) {
      at.at('type').error('replaces a prefix, but not every match of the rule is a PathPrefix', 'use ReplaceFullPath');
    }
  }
}
