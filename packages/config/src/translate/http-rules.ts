import { create } from '@bufbuild/protobuf';
import { type Route, type RouteAction, RouteSchema } from '@inmesh/xds/messages';
import { parseGoDuration } from '../durations.js';
import type { Place } from '../place.js';
import type { ReadObject } from '../read-objects.js';
import type { HttpDestination, HttpMatch, HttpRule, VirtualService } from '../schema/virtual-service.js';
import type { Destinations } from './destinations.js';
import { buildMatch, matchesEverything } from './http-matches.js';
import { durationOf, readRetries } from './retry-policies.js';
import { forwardTo, type Target } from './route-actions.js';

type Source = ReadObject<VirtualService>;

const maxTotalWeight = 0xffff_ffff;

/**
 * The routes of a VirtualService for calls to a port, in the order of its rules; nothing after a rule that matches
 * everything (Istio `BuildHTTPRoutesForVirtualService`).
 */
export function buildRoutes(source: Source, dialled: number, destinations: Destinations): Route[] {
  const routes: Route[] = [];
  for (const [index, rule] of (source.body.spec.http ?? []).entries()) {
    const matches = matchesFor(rule, dialled);
    if (matches.length === 0) continue;
    const action = buildAction(rule, source, dialled, destinations, source.place.at('spec', 'http', index));
    for (const match of matches) {
      const route = buildRoute(rule, match, source, action);
      if (action !== undefined) routes.push(route);
      if (matchesEverything(route.match!)) return routes;
    }
  }
  return routes;
}

/** Finds the mistakes of all rules, those too that no call comes to. */
export function checkRules(source: Source, destinations: Destinations): void {
  const place = source.place.at('spec', 'http');
  const rules = source.body.spec.http ?? [];
  checkNames(rules, place);
  for (const [index, rule] of rules.entries()) {
    buildAction(rule, source, undefined, destinations, place.at(index));
    checkClaims(rule, place.at(index, 'match'));
  }
  const last = rules.findIndex(matchesEveryCall);
  if (last < 0 || last + 1 >= rules.length) return;
  place.at(last + 1).warn(`is never reached: http[${last}] matches every request`);
}

/** On every port. */
function matchesEveryCall(rule: HttpRule): boolean {
  const matches = matchesFor(rule, undefined).filter((match) => match?.port === undefined);
  return matches.some((match) => matchesEverything(buildMatch(match)));
}

/** Only entries of this port that are not for a gateway alone; `undefined` is the one entry of a rule without any. */
function matchesFor({ match = [] }: HttpRule, dialled: number | undefined): readonly (HttpMatch | undefined)[] {
  if (match.length === 0) return [undefined];
  return match.filter(({ port, gateways = [] }) => {
    const ofPort = port === undefined || dialled === undefined || port === dialled;
    return ofPort && (gateways.length === 0 || gateways.includes('mesh'));
  });
}

function buildRoute(
  rule: HttpRule,
  match: HttpMatch | undefined,
  { namespace, name }: Source,
  action: RouteAction | undefined,
): Route {
  const routeName = rule.name ?? '';
  const config = `/apis/networking.istio.io/v1/namespaces/${namespace}/virtual-service/${name}`;
  return create(RouteSchema, {
    name: match?.name === undefined ? routeName : `${routeName}.${match.name}`,
    match: buildMatch(match),
    ...(action !== undefined && { action: { case: 'route', value: action } }),
    // As Istio writes it, so that a dump tells where a route comes from.
    metadata: { filterMetadata: { istio: { config } } },
  });
}

/** @param dialled undefined when only mistakes are looked for */
function buildAction(
  rule: HttpRule,
  { namespace }: Source,
  dialled: number | undefined,
  destinations: Destinations,
  place: Place,
): RouteAction | undefined {
  const { route = [] } = rule;
  const retries = readRetries(rule.retries, place.at('retries'));
  if (route.length === 0) {
    // What is there instead has been refused with its own reason.
    if (!('redirect' in rule || 'directResponse' in rule || 'delegate' in rule)) {
      place.error('has no route: requests would have nowhere to go', 'add route: [{ destination: { host: ... } }]');
    }
    return undefined;
  }
  checkWeights(route, place.at('route'));
  const targets = route.flatMap(({ destination, weight }, index): Target[] => {
    const at = place.at('route', index, 'destination');
    const cluster = destinations.resolve(destination, namespace, dialled, at);
    return cluster === undefined ? [] : [{ cluster, weight: route.length === 1 ? 1 : (weight ?? 0) }];
  });
  // A route with part of its destinations would send their share to the others.
  if (targets.length < route.length) return undefined;
  return forwardTo(targets, retries, durationOf(parseGoDuration(rule.timeout ?? '')));
}

/** A single destination gets everything, whatever its weight; no weight among several is 0 (Istio virtual_service.proto). */
function checkWeights(route: readonly HttpDestination[], place: Place): void {
  const sum = route.reduce((total, { weight }) => total + (weight ?? 0), 0);
  if (route.length > 1 && sum === 0) {
    place.error('the weights of its destinations sum to zero', 'give a weight to at least one of them');
  }
  if (sum > maxTotalWeight) place.error(`the weights of its destinations sum to ${sum}, more than ${maxTotalWeight}`);
}

/** They look like headers, and as headers they would never match. */
function checkClaims({ match = [] }: HttpRule, place: Place): void {
  for (const [index, entry] of match.entries()) {
    for (const field of ['headers', 'withoutHeaders'] as const) {
      for (const name of Object.keys(entry[field] ?? {})) {
        if (!name.startsWith('@request.auth.claims')) continue;
        place.at(index, field, name).error('matching on the claims of a token is not supported yet');
      }
    }
  }
}

function checkNames(rules: readonly HttpRule[], place: Place): void {
  const names = new Set<string>();
  for (const [index, { name = '' }] of rules.entries()) {
    if (name !== '' && names.has(name)) place.at(index, 'name').error(`the name "${name}" is used by another route`);
    names.add(name);
  }
}
