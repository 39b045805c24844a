import { create } from '@bufbuild/protobuf';
import { type Route, RouteSchema } from '@inmesh/xds/messages';
import type { Client } from '../client.js';
import type { Memory } from '../memory.js';
import type { ReadObject } from '../read-objects.js';
import type { HttpMatch, VirtualService } from '../schema/virtual-service.js';
import { gatewayKey } from './gateway-names.js';
import { buildMatch, matchesEverything } from './http-matches.js';
import { type ActionFields, buildAction, type RuleContext } from './http-rule-actions.js';
import { checkNames, checkReach, checkRule } from './http-rule-checks.js';
import { type PlacedRule, placedRules } from './placed-rules.js';

type Source = ReadObject<VirtualService>;

/** A VirtualService with its rules, those that it delegates included. */
export interface RuleSet {
  readonly source: Source;
  readonly rules: readonly PlacedRule[];
  /** Those that some of the rules are from. */
  readonly delegates: readonly Source[];
}

/** Whose calls routes are for, and through what they come: `mesh`, or the key of a Gateway. */
export interface RouteScope extends RuleContext {
  readonly gateways: ReadonlySet<string>;
  readonly client: Client;
  readonly memory: Memory;
}

/**
 * The routes of a VirtualService for calls to a port, in the order of its rules; nothing after a rule that matches
 * everything (Istio `BuildHTTPRoutesForVirtualService`).
 */
export function buildRoutes(set: RuleSet, scope: RouteScope): readonly Route[] {
  const inputs = [scope.dialled, ...scope.gateways];
  return scope.memory.recall(set, 'routes', inputs, () => buildAll(set, scope));
}

function buildAll({ source, rules }: RuleSet, scope: RouteScope): Route[] {
  const routes: Route[] = [];
  for (const placed of rules) {
    const matches = matchesFor(placed, scope);
    if (matches.length === 0) continue;
    const action = buildAction(placed, scope);
    for (const match of matches) {
      const route = buildRoute(placed, match, source, action);
      if (action !== undefined) routes.push(route);
      if (matchesEverything(route.match!)) return routes;
    }
  }
  return routes;
}

/** Finds the mistakes of all rules, those too that no call comes to. */
export function checkRules({ source, rules }: RuleSet, context: RuleContext): void {
  const written = placedRules(source);
  checkNames(written);
  for (const placed of written) checkRule(placed);
  checkReach(written);
  for (const placed of rules) buildAction(placed, context);
}

/** The entries that can hold for these calls; `undefined` is the one entry of a rule without any. */
function matchesFor({ rule, namespace }: PlacedRule, scope: RouteScope): readonly (HttpMatch | undefined)[] {
  const { match = [] } = rule;
  if (match.length === 0) return [undefined];
  return match.filter((entry) => {
    const { port } = entry;
    const isOfClient = comesFrom(entry, namespace, scope);
    return isOfClient && (port === undefined || port === scope.dialled);
  });
}

/** What says through which gateway a call comes says nothing of the client (Istio `sourceMatchHTTP`). */
function comesFrom(match: HttpMatch, namespace: string, { gateways, client }: RouteScope): boolean {
  const { gateways: named = [], sourceLabels = {}, sourceNamespace } = match;
  if (named.length > 0) return named.some((name) => gateways.has(gatewayKey(name, namespace)));
  const hasLabels = client.hasLabels(sourceLabels);
  return (sourceNamespace === undefined || client.isIn(sourceNamespace)) && hasLabels;
}

function buildRoute(
  { rule }: PlacedRule,
  match: HttpMatch | undefined,
  { namespace, name }: Source,
  action: ActionFields | undefined,
): Route {
  const routeName = rule.name ?? '';
  const config = `/apis/networking.istio.io/v1/namespaces/${namespace}/virtual-service/${name}`;
  return create(RouteSchema, {
    name: match?.name === undefined ? routeName : `${routeName}.${match.name}`,
    match: buildMatch(match),
    ...action,
    // As Istio writes it, so that a dump tells where a route comes from.
    metadata: { filterMetadata: { istio: { config } } },
  });
}
