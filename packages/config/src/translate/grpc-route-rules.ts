import type { Place } from '../place.js';
import type { ReadObject } from '../read-objects.js';
import type { GrpcRoute, GrpcRouteRule } from '../schema/grpc-route.js';
import { readGrpcMatch } from './grpc-route-matches.js';
import { mirrorsOf } from './http-route-actions.js';
import { readFilters } from './http-route-filters.js';
import type { ActionFields } from './http-rule-actions.js';
import { type RankedRoute, type ReadRule, type RouteContext, rankRoutes } from './ranked-routes.js';
import { defaultRetries } from './retry-policies.js';
import { forwardTo } from './route-actions.js';

/** Without rules, and without matches in a rule, every call of gRPC matches (Gateway API defaults). */
export function readGrpcRoute(source: ReadObject<GrpcRoute>, context: RouteContext): RankedRoute[] {
  const { rules = [{}] } = source.body.spec;
  const place = source.place.at('spec', 'rules');
  const read = rules.map((rule, index) => readRule(rule, source.namespace, context, place.at(index)));
  return rankRoutes('GRPCRoute', source, read);
}

function readRule(rule: GrpcRouteRule, namespace: string, context: RouteContext, place: Place): ReadRule {
  const { name, matches = [] } = rule;
  const fields = actionOf(rule, namespace, context, place);
  const read = (matches.length === 0 ? [{}] : matches).map((match, index) =>
    readGrpcMatch(match, place.at('matches', index)),
  );
  return { name, matches: read, build: () => fields };
}

function actionOf(rule: GrpcRouteRule, namespace: string, { backends }: RouteContext, place: Place): ActionFields {
  const { headers, host, mirrors } = readFilters(rule.filters ?? [], place.at('filters'));
  const origin = { kind: 'GRPCRoute', namespace } as const;
  const targets = backends.resolve(rule.backendRefs ?? [], origin, place.at('backendRefs'));
  const value = forwardTo(targets, defaultRetries, {
    mirrors: mirrorsOf(mirrors, origin, backends),
    rewrite: { host },
  });
  return { ...headers, action: { case: 'route', value } };
}
