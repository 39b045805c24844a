import type { RetryPolicy, RouteAction, Route as RouteModel } from '@inmesh/core';
import type { DirectResponseAction, Route } from '../messages.js';
import { decodeForward } from './decode-route-action.js';
import { decodeRouteMatch } from './decode-route-match.js';
import type { FieldScope } from './field-scope.js';
import { warnIgnored } from './ignored-fields.js';

/** @param inheritedRetry of the virtual host, for routes without a policy of their own */
export function decodeRoute(
  message: Route,
  inheritedRetry: RetryPolicy | undefined,
  at: FieldScope,
): RouteModel | undefined {
  warnIgnored(at, {
    request_headers_to_add: message.requestHeadersToAdd,
    request_headers_to_remove: message.requestHeadersToRemove,
    response_headers_to_add: message.responseHeadersToAdd,
    response_headers_to_remove: message.responseHeadersToRemove,
    typed_per_filter_config: Object.keys(message.typedPerFilterConfig),
  });
  const match = message.match
    ? decodeRouteMatch(message.match, at.field('match'))
    : at.field('match').error('is missing');
  const action = decodeAction(message, inheritedRetry, at);
  return (
    match &&
    action && {
      name: message.name,
      match,
      action,
      requestHeaders: [],
      responseHeaders: [],
      fault: undefined,
      cors: undefined,
      rateLimits: [],
    }
  );
}

function decodeAction(
  { action }: Route,
  inheritedRetry: RetryPolicy | undefined,
  at: FieldScope,
): RouteAction | undefined {
  switch (action.case) {
    case 'route':
      return decodeForward(action.value, inheritedRetry, at.field('route'));
    case 'directResponse':
      return decodeDirectResponse(action.value, at.field('direct_response'));
    case 'redirect':
      return at.field('redirect').error('is not supported yet');
    case 'filterAction':
      return at.field('filter_action').error('is not supported');
    case 'nonForwardingAction':
      return at.field('non_forwarding_action').error('is for servers only');
    case undefined:
      return at.field('action').error('is missing');
  }
}

function decodeDirectResponse({ status, body }: DirectResponseAction, at: FieldScope): RouteAction {
  if (status < 200 || status > 599) at.field('status').error(`${status} is not between 200 and 599`);
  return { kind: 'directResponse', httpStatus: status, body: decodeBody(body, at.field('body')) };
}

function decodeBody(body: DirectResponseAction['body'], at: FieldScope): string {
  switch (body?.specifier.case) {
    case 'inlineString':
      return body.specifier.value;
    case 'inlineBytes':
      return Buffer.from(body.specifier.value).toString('utf8');
    case 'filename':
    case 'environmentVariable':
      // What a config server names must not choose what of this machine is served.
      at.error('must be inline');
  }
  return '';
}
