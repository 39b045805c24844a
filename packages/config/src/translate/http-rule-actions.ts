import type { MessageInitShape } from '@bufbuild/protobuf';
import type { RouteAction, RouteAction_RequestMirrorPolicy, RouteSchema } from '@inmesh/xds/messages';
import { parseGoDuration } from '../durations.js';
import type { Place } from '../place.js';
import type { Destination, HttpDestination, HttpRule } from '../schema/virtual-service.js';
import { readCors } from './cors-policies.js';
import type { Destinations } from './destinations.js';
import { readDirectResponse } from './direct-responses.js';
import { buildFault } from './faults.js';
import { filterConfigs } from './filter-configs.js';
import { type HeaderChanges, headerChanges, hostIn, joinChanges } from './header-changes.js';
import { buildMirrors } from './mirrors.js';
import { originOf, type PlacedRule } from './placed-rules.js';
import { readRedirect } from './redirects.js';
import { durationOf, readRetries } from './retry-policies.js';
import { type RewriteSettings, readRewrite } from './rewrites.js';
import { forwardTo, type Target } from './route-actions.js';

/** A route without its match. */
export type ActionFields = Omit<MessageInitShape<typeof RouteSchema>, '$typeName' | 'match'>;

/** For which port of which service a route is made; `dialled` is undefined when only mistakes are looked for. */
export interface RuleContext {
  readonly dialled: number | undefined;
  readonly destinations: Destinations;
}

/** What a rule does with a request; undefined where a mistake in it was said (Istio `translateRoute`). */
export function buildAction(placed: PlacedRule, context: RuleContext): ActionFields | undefined {
  const { rule } = placed;
  const action = actionOf(placed, context);
  const { fault, corsPolicy } = rule;
  const filters = filterConfigs({
    fault: fault && buildFault(fault, originOf(placed, 'fault').place),
    cors: corsPolicy && readCors(corsPolicy, originOf(placed, 'corsPolicy').place),
  });
  return action && { action, ...headersOf(rule), typedPerFilterConfig: filters };
}

function actionOf(placed: PlacedRule, context: RuleContext): ActionFields['action'] | undefined {
  const { redirect, directResponse } = placed.rule;
  if (redirect !== undefined) {
    const { place } = originOf(placed, 'redirect');
    return { case: 'redirect', value: readRedirect(redirect, context.dialled, place) };
  }
  if (directResponse !== undefined) {
    const { place } = originOf(placed, 'directResponse');
    return { case: 'directResponse', value: readDirectResponse(directResponse, place) };
  }
  const value = forwardOf(placed, context);
  return value && { case: 'route', value };
}

/** The headers of a single destination are changed with those of the rule, after them. */
function headersOf({ headers = {}, route = [] }: HttpRule): HeaderChanges {
  const changes = headerChanges(headers);
  const [only] = route;
  if (route.length !== 1 || only?.headers === undefined) return changes;
  return joinChanges(changes, headerChanges(only.headers));
}

function forwardOf(placed: PlacedRule, context: RuleContext): RouteAction | undefined {
  const { rule } = placed;
  const { route = [], timeout } = rule;
  const retries = readRetries(rule.retries, originOf(placed, 'retries').place);
  const rewrite = rewriteOf(placed);
  const targets = targetsOf(placed, context);
  const mirrors = mirrorsOf(placed, context);
  // A route with part of its destinations would send their share to the others.
  if (route.length === 0 || targets.length < route.length || mirrors === undefined) return undefined;
  return forwardTo(targets, retries, { timeout: durationOf(parseGoDuration(timeout ?? '')), rewrite, mirrors });
}

/** A host that is set as a header counts where `rewrite` has none; a single destination's own comes last. */
function rewriteOf(placed: PlacedRule): RewriteSettings {
  const { rewrite, headers = {}, route = [] } = placed.rule;
  const { place } = originOf(placed, 'headers');
  const settings = rewrite === undefined ? {} : readRewrite(rewrite, originOf(placed, 'rewrite').place);
  const ofHeaders = hostIn(headers);
  if (settings.host !== undefined && ofHeaders !== undefined) {
    place
      .at('request')
      .error(`the host is "${settings.host}" in rewrite.authority and "${ofHeaders}" here`, 'keep one');
  }
  const ofDestination = route.length === 1 ? hostIn(route[0]?.headers ?? {}) : undefined;
  return { ...settings, host: settings.host ?? ofHeaders ?? ofDestination };
}

function targetsOf(placed: PlacedRule, { dialled, destinations }: RuleContext): Target[] {
  const { route = [] } = placed.rule;
  const { place, namespace } = originOf(placed, 'route');
  return route.flatMap(({ destination, weight, headers }, index): Target[] => {
    const found = destinations.resolve(destination, namespace, dialled, place.at(index, 'destination'));
    if (found === undefined) return [];
    if (route.length === 1) return [{ ...found, weight: 1 }];
    return [{ ...found, weight: weight ?? 0, ...ownHeaders(headers) }];
  });
}

function ownHeaders(headers: HttpDestination['headers']): Partial<Target> {
  return headers === undefined ? {} : { headers: headerChanges(headers), host: hostIn(headers) };
}

/** Undefined where a destination is not there. */
function mirrorsOf(placed: PlacedRule, context: RuleContext): RouteAction_RequestMirrorPolicy[] | undefined {
  const { mirror, mirrors = [], mirrorPercentage, mirrorPercent, mirror_percent: percent } = placed.rule;
  const share = mirrorPercentage === undefined ? (mirrorPercent ?? percent) : (mirrorPercentage.value ?? 0);
  const single = originOf(placed, 'mirror');
  const several = originOf(placed, 'mirrors');
  const all = [
    ...(mirror === undefined ? [] : [buildMirror(mirror, share, single, context)]),
    ...mirrors.map(({ destination, percentage }, index) =>
      buildMirror(
        destination,
        percentage && (percentage.value ?? 0),
        { place: several.place.at(index, 'destination'), namespace: several.namespace },
        context,
      ),
    ),
  ];
  return all.includes(undefined) ? undefined : all.flatMap((policies) => policies ?? []);
}

function buildMirror(
  destination: Destination,
  percent: number | undefined,
  { place, namespace }: { readonly place: Place; readonly namespace: string },
  { dialled, destinations }: RuleContext,
): RouteAction_RequestMirrorPolicy[] | undefined {
  const found = destinations.resolve(destination, namespace, dialled, place);
  return found && buildMirrors(found.cluster, percent);
}
