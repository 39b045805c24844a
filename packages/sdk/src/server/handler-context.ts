import { AsyncResource } from 'node:async_hooks';
import type { CallRecorder } from '@inmesh/core';
import { inboundCalls } from './context.js';
import type { InboundCall } from './inbound-call.js';

/** Runs what answers `call` as part of it, inside the contexts of those who listen to the call. */
export function runInside<T>(call: InboundCall, handler: () => T): T {
  return inboundCalls.run(call, insideRecorders(call.recorders, handler));
}

/** The same context, to be entered again by each event of the call: their emitter is the connection, where no call is known. */
export function contextOf(call: InboundCall): AsyncResource {
  return runInside(call, () => new AsyncResource('InmeshRequest'));
}

function insideRecorders<T>(recorders: readonly CallRecorder[], handler: () => T): () => T {
  return recorders.reduceRight((inner, recorder) => {
    return recorder.run === undefined ? inner : () => recorder.run!(inner);
  }, handler);
}
