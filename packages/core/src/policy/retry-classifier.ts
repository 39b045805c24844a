import type { Call } from '../call.js';
import type { MeshError } from '../errors.js';
import type { RetryCondition, RetryPolicy } from '../model/route.js';
import type { Reply } from '../service.js';
import { matchesAnyRequestHeader, matchesAnyResponseHeader } from './retry-header-conditions.js';

/** Methods that RFC 9110 (9.2.2) calls idempotent: sending one twice has the effect of sending it once. */
const idempotentMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

const grpcConditions: ReadonlyMap<number, RetryCondition> = new Map([
  [1, 'cancelled'],
  [4, 'deadline-exceeded'],
  [8, 'resource-exhausted'],
  [13, 'internal'],
  [14, 'unavailable'],
]);

/** Whether the policy has anything to say of this request (Envoy `retriable_request_headers`). */
export function isRetriableRequest(policy: RetryPolicy, call: Call): boolean {
  return policy.requestHeaders.length === 0 || matchesAnyRequestHeader(policy, call);
}

/** Whether a response is one that the policy retries (Envoy: x-envoy-retry-on, x-envoy-retry-grpc-on). */
export function isRetriableReply(policy: RetryPolicy, reply: Reply): boolean {
  // The header is looked for where it decides: most replies are not to pay for it.
  if (policy.on.has('envoy-ratelimited')) return isRateLimited(reply) || meetsCondition(policy, reply);
  return meetsCondition(policy, reply) && !isRateLimited(reply);
}

function isRateLimited(reply: Reply): boolean {
  return reply.header('x-envoy-ratelimited') !== undefined;
}

function meetsCondition(policy: RetryPolicy, reply: Reply): boolean {
  const { on } = policy;
  const status = reply.httpStatus;
  if (status >= 500 && status <= 599 && on.has('5xx')) return true;
  if ((status === 502 || status === 503 || status === 504) && on.has('gateway-error')) return true;
  if (status === 409 && on.has('retriable-4xx')) return true;
  if (on.has('retriable-status-codes') && policy.statusCodes.includes(status)) return true;
  if (on.has('retriable-headers') && matchesAnyResponseHeader(policy, reply)) return true;
  const grpcCondition = reply.grpcStatus === undefined ? undefined : grpcConditions.get(reply.grpcStatus);
  return grpcCondition !== undefined && on.has(grpcCondition);
}

/**
 * Whether an attempt that failed may be made again (Envoy retry_state_impl.cc `wouldRetryFromReset`). What may have been
 * acted on is repeated only if the route asks for it (`reset`, `5xx`, `gateway-error`), or, beyond Envoy, if the method is
 * idempotent and the policy retries connection failures at all. Overflows and timeouts of the whole call never are.
 */
export function isRetriableFailure(policy: RetryPolicy, call: Call, failure: MeshError): boolean {
  const { on } = policy;
  switch (failure.reason) {
    case 'upstream_connection_failure':
      if (retriesGrpcStatus(policy, call, failure)) return true;
      return on.has('connect-failure') || on.has('reset-before-request') || retriesResets(policy);
    case 'upstream_connection_termination':
    case 'upstream_reset':
    case 'upstream_protocol_error':
      if (retriesGrpcStatus(policy, call, failure)) return true;
      return retriesResets(policy) || (failure.maybeSent ? mayRepeat(policy, call) : retriesUnsent(policy));
    case 'upstream_per_try_timeout':
      if (retriesGrpcStatus(policy, call, failure)) return true;
      return retriesResets(policy) || mayRepeat(policy, call);
    default:
      return false;
  }
}

/** A gRPC client sees a status where a connection broke, and its policy names statuses (gRFC A44). */
function retriesGrpcStatus({ on }: RetryPolicy, { protocol }: Call, { grpcStatus }: MeshError): boolean {
  const condition = protocol === 'grpc' ? grpcConditions.get(grpcStatus) : undefined;
  return condition !== undefined && on.has(condition);
}

/** Envoy counts a reset as the 5xx, and the gateway error, that it would answer with. */
function retriesResets({ on }: RetryPolicy): boolean {
  return on.has('reset') || on.has('5xx') || on.has('gateway-error');
}

function retriesUnsent({ on }: RetryPolicy): boolean {
  return on.has('reset-before-request') || on.has('refused-stream') || on.has('connect-failure');
}

function mayRepeat({ on }: RetryPolicy, call: Call): boolean {
  return on.has('connect-failure') && idempotentMethods.has(call.method);
}
