import { create } from '@bufbuild/protobuf';
import {
  type HTTPFault,
  type Route,
  type RouteAction,
  type RouteAction_HashPolicy,
  RouteAction_HashPolicy_FilterStateSchema,
  RouteAction_MaxStreamDurationSchema,
  RouteActionSchema,
} from '@inmesh/xds/messages';
import { buildAbort, unavailable } from '../../translate/faults.js';
import { filterConfigs } from '../../translate/filter-configs.js';
import { invalidBackend } from '../../translate/invalid-backend.js';
import { asGrpcFilters } from './filter-configs.js';
import { asGrpcRetryPolicy } from './retry-policies.js';
import { asGrpcTargets } from './weighted-clusters.js';

/**
 * gRPC refuses routes that answer by themselves, and to leave one out would give its calls to a later one: such a route aborts
 * them, by the status that gRPC makes of the answer's.
 */
export function asGrpcAction(route: Route): Route {
  const { action } = route;
  if (action.case === 'directResponse')
    return answering(route, buildAbort({ case: 'httpStatus', value: action.value.status }));
  if (action.case !== 'route') return answering(route, unavailable);
  const value = asGrpcRouteAction(action.value);
  if (value === undefined) return answering(route, unavailable);
  const typedPerFilterConfig = asGrpcFilters(route.typedPerFilterConfig);
  if (value === action.value && typedPerFilterConfig === route.typedPerFilterConfig) return route;
  return { ...route, action: { case: 'route', value }, typedPerFilterConfig };
}

function answering(route: Route, fault: HTTPFault): Route {
  const value = create(RouteActionSchema, { clusterSpecifier: { case: 'cluster', value: invalidBackend } });
  return { ...route, action: { case: 'route', value }, typedPerFilterConfig: filterConfigs({ fault }) };
}

/** Undefined for what says in no way that gRPC knows where calls go. */
function asGrpcRouteAction(action: RouteAction): RouteAction | undefined {
  const clusterSpecifier = asGrpcTargets(action.clusterSpecifier);
  if (clusterSpecifier === undefined) return undefined;
  const retryPolicy = asGrpcRetryPolicy(action.retryPolicy);
  const maxStreamDuration = maxStreamDurationOf(action);
  const hashPolicy = hashPoliciesOf(action.hashPolicy);
  const isSame =
    clusterSpecifier === action.clusterSpecifier &&
    retryPolicy === action.retryPolicy &&
    maxStreamDuration === action.maxStreamDuration &&
    hashPolicy === action.hashPolicy;
  return isSame ? action : { ...action, clusterSpecifier, retryPolicy, maxStreamDuration, hashPolicy };
}

/** What `timeout` is where it is not given (Envoy route_components.proto). */
const envoyDefault = { seconds: 15n, nanos: 0 };

/** gRPC does not read `timeout` (gRFC A31). */
function maxStreamDurationOf({
  timeout = undefined,
  maxStreamDuration,
}: RouteAction): RouteAction['maxStreamDuration'] {
  const { seconds, nanos } = timeout ?? envoyDefault;
  if (maxStreamDuration !== undefined || (seconds === 0n && nanos === 0)) return maxStreamDuration;
  return create(RouteAction_MaxStreamDurationSchema, { maxStreamDuration: { seconds, nanos } });
}

/** Calls from one address are calls of one client, for which gRPC has a word of its own (gRFC A42). */
function hashPoliciesOf(policies: RouteAction_HashPolicy[]): RouteAction_HashPolicy[] {
  if (!policies.some(({ policySpecifier }) => policySpecifier.case === 'connectionProperties')) return policies;
  const value = create(RouteAction_HashPolicy_FilterStateSchema, { key: 'io.grpc.channel_id' });
  return policies.map((policy) =>
    policy.policySpecifier.case === 'connectionProperties'
      ? { ...policy, policySpecifier: { case: 'filterState', value } }
      : policy,
  );
}
