import type { ForwardAction } from '@inmesh/core';
import { type RouteAction, RoutingPriority } from '../messages.js';
import { decodeHashPolicy } from './decode-hash-policy.js';
import { decodeMirrors } from './decode-mirror-policy.js';
import { decodeRetryPolicy } from './decode-retry-policy.js';
import { decodeAuthorityRewrite, decodePathRewrite } from './decode-rewrites.js';
import { decodeTargets } from './decode-targets.js';
import { decodeDuration } from './durations.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';
import type { RouteDefaults } from './route-defaults.js';

/** Envoy's route timeout when none is set (route_components.proto `timeout`). */
const defaultTimeoutMs = 15_000;

/** A retry policy or mirrors of the route replace those of the virtual host whole, even a policy that disables retries. */
export function decodeForward(message: RouteAction, inherited: RouteDefaults, at: FieldScope): ForwardAction {
  reportUnsupported(message, at);
  const targets = decodeTargets(message, at);
  const { retryPolicy } = message;
  return {
    kind: 'forward',
    targets,
    totalWeight: targets.reduce((sum, { weight }) => sum + weight, 0),
    timeoutMs: decodeDuration(message.timeout, defaultTimeoutMs, at.field('timeout')),
    idleTimeoutMs: decodeDuration(message.idleTimeout, 0, at.field('idle_timeout')),
    ...decodeMaxStreamDuration(message, at.field('max_stream_duration')),
    retry: retryPolicy ? decodeRetryPolicy(retryPolicy, at.field('retry_policy')) : inherited.retry,
    priority: decodePriority(message.priority, at.field('priority')),
    pathRewrite: decodePathRewrite(message, at),
    authorityRewrite: decodeAuthorityRewrite(message, at),
    mirrors: decodeMirrors(message, inherited.mirrors, at),
    hash: at.each('hash_policy', message.hashPolicy, decodeHashPolicy),
  };
}

type StreamDurations = Pick<ForwardAction, 'maxStreamDurationMs' | 'grpcMaxStreamDurationMs'>;

/** A limit on grpc-timeout of 0 takes every grpc-timeout as it is, and the other limit still counts. */
function decodeMaxStreamDuration({ maxStreamDuration: message }: RouteAction, at: FieldScope): StreamDurations {
  if (message === undefined) return { maxStreamDurationMs: 0, grpcMaxStreamDurationMs: 0 };
  reportUnsupported(message, at);
  const ofAll = decodeDuration(message.maxStreamDuration, 0, at.field('max_stream_duration'));
  const ofGrpc = decodeDuration(message.grpcTimeoutHeaderMax, 0, at.field('grpc_timeout_header_max'));
  const grpcMaxStreamDurationMs = ofAll > 0 && ofGrpc > 0 ? Math.min(ofAll, ofGrpc) : ofAll || ofGrpc;
  return { maxStreamDurationMs: ofAll, grpcMaxStreamDurationMs };
}

function decodePriority(priority: RoutingPriority, at: FieldScope): ForwardAction['priority'] {
  if (priority === RoutingPriority.HIGH) return 'high';
  if (priority !== RoutingPriority.DEFAULT) at.error(`${priority} is unknown`);
  return 'default';
}
