import type { Place } from '../place.js';
import type { HttpDestination, HttpRule } from '../schema/virtual-service.js';
import { buildMatch, matchesEverything } from './http-matches.js';
import type { PlacedRule } from './placed-rules.js';

const maxTotalWeight = 0xffff_ffff;

/** Mistakes that a rule has by itself, as it was written. */
export function checkRule({ rule, place }: PlacedRule): void {
  checkConflicts(rule, place);
  checkWeights(rule.route ?? [], place.at('route'));
  checkClaims(rule, place.at('match'));
}

/** What excludes each other: one thing has to be done with a request, and only one (Istio `validateHTTPRouteConflict`). */
function checkConflicts(rule: HttpRule, place: Place): void {
  const given = actions.filter((field) => isGiven(rule, field));
  if (given.length > 1) place.error(`has ${given.join(' and ')}: only one of them can be done`, 'split the rule');
  if (given.length === 0) {
    place.error('has no route: requests would have nowhere to go', 'add route: [{ destination: { host: ... } }]');
  }
  for (const field of ['fault', 'rewrite'] as const) {
    const answered = given.find((action) => action === 'redirect' || action === 'directResponse');
    if (answered !== undefined && rule[field] !== undefined) {
      place.at(field).error(`means nothing beside ${answered}, which answers without an upstream`, 'leave it out');
    }
  }
  if (rule.mirror !== undefined && isGiven(rule, 'mirrors')) {
    place.at('mirrors').error('stands beside mirror: only one of them is taken', 'move it into mirrors');
  }
}

const actions = ['route', 'redirect', 'directResponse', 'delegate'] as const;

function isGiven(rule: HttpRule, field: keyof HttpRule): boolean {
  const value = rule[field];
  return Array.isArray(value) ? value.length > 0 : value !== undefined;
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

export function checkNames(rules: readonly PlacedRule[]): void {
  const names = new Set<string>();
  for (const { rule, place } of rules) {
    const { name = '' } = rule;
    if (name !== '' && names.has(name)) place.at('name').error(`the name "${name}" is used by another route`);
    names.add(name);
  }
}

export function checkReach(rules: readonly PlacedRule[]): void {
  const last = rules.findIndex(({ rule }) => matchesEveryCall(rule));
  const next = last < 0 ? undefined : rules[last + 1];
  next?.place.warn(`is never reached: http[${last}] matches every request`);
}

/** Of every client, on every port. */
function matchesEveryCall({ match = [] }: HttpRule): boolean {
  if (match.length === 0) return true;
  return match.some((entry) => {
    const { port, gateways = [], sourceLabels = {}, sourceNamespace } = entry;
    const isForAll = port === undefined && (gateways.length === 0 || gateways.includes('mesh'));
    const isOfAll = Object.keys(sourceLabels).length === 0 && sourceNamespace === undefined;
    return isForAll && isOfAll && matchesEverything(buildMatch(entry));
  });
}
