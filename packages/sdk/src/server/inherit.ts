import { type Call, type MeshError, retryHeaders } from '@inmesh/core';
import type { MeshInternals } from '../mesh-internals.js';
import type { InboundCall } from './inbound-call.js';
import { propagate } from './propagation.js';

/** The incoming request that a call serves gives it its deadline, its trace, its client's address and its end. */
export function inherit(call: Call, inbound: InboundCall, internals: MeshInternals): void {
  if (inbound.cancelled !== undefined) call.cancel(inbound.cancelled);
  call.deadline = Math.min(call.deadline, inbound.deadline);
  call.retriesElsewhere = inbound.retriesElsewhere;
  if (inbound.sourceAddress !== '') call.sourceAddress = inbound.sourceAddress;
  const inMesh = call.snapshot.resolve(call.scheme, call.authority)?.listener.passthrough !== true;
  propagate(inbound, call.headers, internals, inMesh);
  if (inbound.retriesElsewhere && inMesh) call.headers.set(retryHeaders.noRetry, '1');
  inbound.adopt(call);
}

/** Waits no longer than the incoming request does. */
export function whileServing(inbound: InboundCall, work: Promise<void>): Promise<void> {
  if (inbound.cancelled !== undefined) return Promise.reject(inbound.cancelled);
  return new Promise((resolve, reject) => {
    const waiter = { cancel: reject };
    inbound.adopt(waiter);
    work.finally(() => inbound.release(waiter)).then(resolve, reject);
  });
}

/** With no configuration at all, that is what is wrong, and not the host that DNS does not know. */
export function explainMissing(failure: MeshError, { missingConfiguration }: MeshInternals): MeshError {
  const missing = missingConfiguration?.();
  if (missing !== undefined && failure.reason === 'no_healthy_upstream') failure.hint = missing;
  return failure;
}
