import type { RouteAction, Route as RouteModel } from '@inmesh/core';
import type { Route } from '../messages.js';
import { corsPolicyOf, decodeCors } from './decode-cors.js';
import { decodeDirectResponse } from './decode-direct-response.js';
import { decodeHeaderLevels, mergeLevels, orderLevels } from './decode-header-mutations.js';
import { decodeRateLimits } from './decode-rate-limits.js';
import { decodeRedirect } from './decode-redirect.js';
import { decodeForward } from './decode-route-action.js';
import { decodeRouteMatch } from './decode-route-match.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';
import { decodeFilterConfigs, type FilterConfigs, inheritFilterConfigs } from './filter-configs.js';
import type { RouteDefaults } from './route-defaults.js';

export function decodeRoute(message: Route, inherited: RouteDefaults, at: FieldScope): RouteModel | undefined {
  reportUnsupported(message, at);
  const match = message.match
    ? decodeRouteMatch(message.match, at.field('match'))
    : at.field('match').error('is missing');
  const action = decodeAction(message, inherited, at);
  const own = decodeHeaderLevels(message, at);
  const headers = orderLevels(own, inherited.headers, inherited.mostSpecificHeadersWin);
  const { fault, cors } = inheritFilterConfigs(decodeFilters(message, at), inherited.filters);
  if (match === undefined || action === undefined) return undefined;
  const route: RouteModel = {
    name: message.name,
    match,
    action,
    ...headers,
    fault: fault?.policy,
    cors: corsPolicyOf(cors),
    rateLimits: decodeRateLimits(message, inherited.rateLimits, at),
  };
  return inherited.mostSpecificHeadersWin ? withTargetsLast(route) : route;
}

function decodeAction({ action }: Route, inherited: RouteDefaults, at: FieldScope): RouteAction | undefined {
  switch (action.case) {
    case 'route':
      return decodeForward(action.value, inherited, at.field('route'));
    case 'directResponse':
      return decodeDirectResponse(action.value, at.field('direct_response'));
    case 'redirect':
      return decodeRedirect(action.value, at.field('redirect'));
    case 'filterAction':
    case 'nonForwardingAction':
      return undefined;
    case undefined:
      return at.field('action').error('is missing');
  }
}

/** The policy of the filter wins over the deprecated one of the action. */
function decodeFilters({ typedPerFilterConfig, action }: Route, at: FieldScope): FilterConfigs {
  const deprecated = action.case === 'route' ? action.value.cors : undefined;
  const cors = deprecated && decodeCors(deprecated, at.field('route.cors'));
  return { ...(cors && { cors }), ...decodeFilterConfigs(typedPerFilterConfig, at) };
}

/** The headers of a target have their turn before those of the route; where they must be last, the target takes over both. */
function withTargetsLast(route: RouteModel): RouteModel {
  const { action, requestHeaders, responseHeaders } = route;
  if (action.kind !== 'forward') return route;
  if (!action.targets.some((target) => target.requestHeaders ?? target.responseHeaders)) return route;
  const targets = action.targets.map((target) => ({
    ...target,
    requestHeaders: mergeLevels([...requestHeaders, ...(target.requestHeaders ? [target.requestHeaders] : [])]),
    responseHeaders: mergeLevels([...responseHeaders, ...(target.responseHeaders ? [target.responseHeaders] : [])]),
  }));
  return { ...route, action: { ...action, targets }, requestHeaders: [], responseHeaders: [] };
}
