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
 * @param dialled undefined for the rules of all ports, when only mistakes are looked for
 */
export function buildRoutes(source: Source, dialled: number | undefined, destinations: Destinations): Route[] {
  const rules = source.body.spec.http ?? [];
  checkNames(rules, source.place.at('spec', 'http'));
  const routes: Route[] = [];
  for (const [index, rule] of rules.entries()) {
    const place = source.place.at('spec', 'http', index);
    const action = buildAction(rule, source, dialled, destinations, place);
    for (const match of matchesFor(rule, dialled)) {
      const route = buildRoute(rule, match, source, action);
      if (action !== undefined) routes.push(route);
      if (dialled === undefined && match?.port !== undefined) continue;
      if (!matchesEverything(route.match!)) continue;
      sayUnreachable(rules, index, source.place);
      return routes;
    }
  }
  return routes;
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

function checkNames(rules: readonly HttpRule[], place: Place): void {
  const names = new Set<string>();
  for (const [index, { name = '' }] of rules.entries()) {
    if (name !== '' && names.has(name)) place.at(index, 'name').error(`the name "${name}" is used by another route`);
    names.add(name);
  }
}

function sayUnreachable(rules: readonly HttpRule[], index: number, place: Place): void {
  if (index + 1 >= rules.length) return;
  place.at('spec', 'http', index + 1).warn(`is never reached: http[${index}] matches every request`);
}
