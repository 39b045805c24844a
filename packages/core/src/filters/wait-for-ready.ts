import type { Call } from '../call.js';
import type { Clock } from '../clock.js';
import { MeshError } from '../errors.js';
import type { Filter, Reply, Service } from '../service.js';
import { waitUnlessInterrupted } from '../wait.js';

const firstWaitMs = 20;
const maxWaitMs = 250;

/**
 * Makes an attempt of a call that asked to wait again and again while no endpoint is to be had, or none can be connected to
 * (gRPC wait-for-ready.md). Its deadline, or its caller, ends it. It takes part in no limit meanwhile.
 */
export function waitForReadyFilter(clock: Clock): Filter {
  return (next) => (call) => (call.waitForReady ? untilReady(next, call, clock) : next(call));
}

async function untilReady<C extends Call>(next: Service<C>, call: C, clock: Clock): Promise<Reply> {
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 2, maxWaitMs)) {
    try {
      return await next(call);
    } catch (error) {
      if (!isNotReady(MeshError.from(error))) throw error;
    }
    await waitUnlessInterrupted(call, clock, waitMs);
  }
}

function isNotReady({ reason, maybeSent }: MeshError): boolean {
  return reason === 'no_healthy_upstream' || (reason === 'upstream_connection_failure' && !maybeSent);
}
