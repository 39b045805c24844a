import { create } from '@bufbuild/protobuf';
import { type Route, type RouteMatch, RouteSchema } from '@inmesh/xds/messages';
import type { Place } from '../place.js';
import type { ReadObject } from '../read-objects.js';
import type { HttpRoute, HttpRouteMatch, HttpRouteRule } from '../schema/http-route.js';
import type { Backends } from './backends.js';
import { filterConfigs } from './filter-configs.js';
import { corsOf, mirrorsOf, redirectOf, rewriteOf } from './http-route-actions.js';
import { type RouteFilters, readFilters } from './http-route-filters.js';
import { type MatchRank, readMatch } from './http-route-matches.js';
import { readTimes } from './http-route-times.js';
import type { ActionFields } from './http-rule-actions.js';
import { forwardTo } from './route-actions.js';

type Source = ReadObject<HttpRoute>;

/** What one match becomes, and what decides where it stands among the others of its Service. */
export interface RankedRoute {
  readonly rank: MatchRank;
  readonly source: Source;
  readonly routes: readonly Route[];
}

export interface RouteContext {
  readonly backends: Backends;
  /** The port of the Service; undefined when only mistakes are looked for. */
  readonly dialled: number | undefined;
}

/** Without rules, and without matches in a rule, everything matches (Gateway API defaults). */
export function readRoutes(source: Source, context: RouteContext): RankedRoute[] {
  const place = source.place.at('spec', 'rules');
  checkNames(source, place);
  return (source.body.spec.rules ?? [{}]).flatMap((rule, index) =>
    readRule(source, rule, index, context, place.at(index)),
  );
}

function checkNames({ body }: Source, place: Place): void {
  const names = new Set<string>();
  for (const [index, { name }] of (body.spec.rules ?? []).entries()) {
    if (name === undefined) continue;
    if (names.has(name)) place.at(index, 'name').error(`the name "${name}" is used by another rule`);
    names.add(name);
  }
}

/**
 * Exact paths, then the longest prefix, then a method, then most headers, then most query parameters (HTTPRoute `matches`);
 * expressions last, as in Istio. Then the older route, then the name; what is left keeps its order.
 */
export function byPrecedence(a: RankedRoute, b: RankedRoute): number {
  for (const [index, value] of a.rank.entries()) {
    if (value !== b.rank[index]) return b.rank[index]! - value;
  }
  return compare(ageAndName(a.source), ageAndName(b.source));
}

function ageAndName({ metadata, namespace, name }: Source): string {
  return `${metadata.creationTimestamp ?? '~'} ${namespace}/${name}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function readRule(
  source: Source,
  rule: HttpRouteRule,
  index: number,
  context: RouteContext,
  place: Place,
): RankedRoute[] {
  const { name, namespace } = source;
  const build = readAction(rule, namespace, context, place);
  const config = `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproute/${name}`;
  return matchesOf(rule).map((written, at): RankedRoute => {
    const { rank, matches: alternatives } = readMatch(written, place.at('matches', at));
    const routes = alternatives.map((match) =>
      create(RouteSchema, {
        name: rule.name ?? `${namespace}.${name}.${index}`,
        match,
        ...build(match),
        metadata: { filterMetadata: { istio: { config } } },
      }),
    );
    return { rank, source, routes };
  });
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
  const targets = backends.resolve(rule.backendRefs ?? [], namespace, place.at('backendRefs'));
  const mirrors = mirrorsOf(filters.mirrors, namespace, backends);
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
