import { create } from '@bufbuild/protobuf';
import { DirectResponseActionSchema, type Route, RouteSchema } from '@inmesh/xds/messages';
import { type ProtoDuration, parseGatewayDuration } from '../durations.js';
import type { Place } from '../place.js';
import type { ReadObject } from '../read-objects.js';
import type { HttpRoute, HttpRouteRule } from '../schema/http-route.js';
import type { Backends } from './backends.js';
import { type MatchRank, readMatch } from './http-route-matches.js';
import { defaultRetries, durationOf, type RetrySettings } from './retry-policies.js';
import { forwardTo } from './route-actions.js';

type Source = ReadObject<HttpRoute>;

/** What one match becomes, and what decides where it stands among the others of its Service. */
export interface RankedRoute {
  readonly rank: MatchRank;
  readonly source: Source;
  readonly routes: readonly Route[];
}

/** Without rules, and without matches in a rule, everything matches (Gateway API defaults). */
export function readRoutes(source: Source, backends: Backends): RankedRoute[] {
  const place = source.place.at('spec', 'rules');
  checkNames(source, place);
  return (source.body.spec.rules ?? [{}]).flatMap((rule, index) =>
    readRule(source, rule, index, backends, place.at(index)),
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

function readRule(source: Source, rule: HttpRouteRule, index: number, backends: Backends, place: Place): RankedRoute[] {
  const { name, namespace } = source;
  const action = buildAction(rule, namespace, backends, place);
  const config = `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproute/${name}`;
  const matches = rule.matches === undefined || rule.matches.length === 0 ? [{}] : rule.matches;
  return matches.map((written, at): RankedRoute => {
    const { rank, matches: alternatives } = readMatch(written, place.at('matches', at));
    const routes = alternatives.map((match) =>
      create(RouteSchema, {
        name: rule.name ?? `${namespace}.${name}.${index}`,
        match,
        action,
        metadata: { filterMetadata: { istio: { config } } },
      }),
    );
    return { rank, source, routes };
  });
}

function buildAction(rule: HttpRouteRule, namespace: string, backends: Backends, place: Place): Route['action'] {
  const targets = backends.resolve(rule.backendRefs ?? [], namespace, place.at('backendRefs'));
  if (targets === undefined)
    return { case: 'directResponse', value: create(DirectResponseActionSchema, { status: 500 }) };
  const { retries, timeout } = readTimes(rule);
  return { case: 'route', value: forwardTo(targets, retries, timeout) };
}

/** With no repetition a limit for one try is a limit for all, and a policy of no retries could not carry it. */
function readTimes({ timeouts, retry }: HttpRouteRule): { retries: RetrySettings; timeout: ProtoDuration | undefined } {
  const timeout = positive(timeouts?.request);
  const perTryTimeout = positive(timeouts?.backendRequest);
  const retries = { ...readRetries(retry), perTryTimeout };
  return { retries, timeout: retries.attempts === 0 ? shorter(timeout, perTryTimeout) : timeout };
}

/** GEP-1731: by default server errors, connection errors always; the back-off is the least time to wait. */
function readRetries(retry: HttpRouteRule['retry']): RetrySettings {
  if (retry === undefined) return defaultRetries;
  return {
    ...defaultRetries,
    attempts: retry.attempts ?? defaultRetries.attempts,
    statusCodes: retry.codes ?? [500, 502, 503, 504],
    backoff: positive(retry.backoff),
  };
}

/** Zero switches a timeout off (GEP-1742). */
function positive(written: string | undefined): ProtoDuration | undefined {
  const duration = durationOf(parseGatewayDuration(written ?? ''));
  return duration === undefined || (duration.seconds === 0n && duration.nanos === 0) ? undefined : duration;
}

function shorter(a: ProtoDuration | undefined, b: ProtoDuration | undefined): ProtoDuration | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.seconds < b.seconds || (a.seconds === b.seconds && a.nanos <= b.nanos) ? a : b;
}
