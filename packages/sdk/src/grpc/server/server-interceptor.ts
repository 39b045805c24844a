import type { ServerInterceptor } from '@grpc/grpc-js';
import { inbound, MeshError } from '@inmesh/core';
import type { MeshInternals } from '../../mesh-internals.js';
import { ownHost } from '../../server/own-host.js';
import { loadGrpcJs } from '../grpc-js.js';
import { checkedBy, type GrpcAuthorize } from './authorize.js';
import { requireOptions } from './check-arguments.js';
import type { GrpcInbound } from './grpc-inbound.js';
import { ServerCall } from './server-call.js';

export interface GrpcServerOptions {
  /**
   * Most calls that are answered at once, streams to their end; what comes above it fails with RESOURCE_EXHAUSTED and the
   * trailer `x-inmesh-reason: concurrency_limited`. Default: no limit. `Check` of the health service does not count.
   */
  readonly maxConcurrent?: number;
  /**
   * Asked before the handler of each call but `Check` of the health service: undefined lets the call in, `{ code, details }` refuses it, and
   * nothing else is an answer. Default: every call may be made.
   */
  readonly authorize?: GrpcAuthorize;
}

const knownOptions = ['maxConcurrent', 'authorize'] as const satisfies readonly (keyof GrpcServerOptions)[];

/** A probe that is refused for too much load would have the process restarted. */
const checkPath = '/grpc.health.v1.Health/Check';

/** @throws MeshError `invalid_request` when an option is wrong, and when @grpc/grpc-js is not installed */
export function serverInterceptor(internals: MeshInternals, options: GrpcServerOptions = {}): ServerInterceptor {
  const grpc = loadGrpcJs();
  requireValid(options);
  const calls = { grpc, internals, inbound: inboundWalk(internals, options) };
  const checks = { grpc, internals, inbound: checkWalk(internals) };
  return ({ path, responseStream }, below) => {
    const isCheck = path === checkPath;
    if (isCheck && internals.takesGrpcProbes === true) return new grpc.ServerInterceptingCall(below);
    const call = new ServerCall(isCheck ? checks : calls, path, responseStream, below);
    return new grpc.ServerInterceptingCall(call);
  };
}

/** Of the policies alone: probes are no requests to be counted or limited. */
function checkWalk({ clock, policy }: MeshInternals) {
  return inbound<GrpcInbound>(async (call) => call.serve(call), { clock, telemetry: [], policy });
}

function inboundWalk(
  { clock, random, telemetry, workload, rateLimiter, policy }: MeshInternals,
  { maxConcurrent, authorize }: GrpcServerOptions,
) {
  return inbound<GrpcInbound>(async (call) => call.serve(call), {
    clock,
    telemetry,
    maxConcurrent,
    policy,
    authorize: authorize === undefined ? undefined : checkedBy(authorize),
    ...(rateLimiter && { rateLimits: { limiter: rateLimiter, random, ownHost: ownHost(workload) } }),
  });
}

function requireValid(options: GrpcServerOptions): void {
  requireOptions('serverInterceptor', options, knownOptions);
  const { maxConcurrent, authorize } = options;
  requireCount(maxConcurrent);
  if (authorize === undefined || typeof authorize === 'function') return;
  throw new MeshError('invalid_request', {
    message: 'authorize: not a function',
    hint: 'it returns undefined to let a call in, { code, details } to refuse it',
  });
}

function requireCount(maxConcurrent: number | undefined): void {
  if (maxConcurrent === undefined || (Number.isInteger(maxConcurrent) && maxConcurrent >= 1)) return;
  throw new MeshError('invalid_request', {
    message: `maxConcurrent: ${maxConcurrent} is not a whole number from 1 up`,
    hint: 'leave it out for no limit',
  });
}
