import { inboundCalls } from './context.js';
import type { InboundCall } from './inbound-call.js';

/** The request that the running code serves; undefined outside of handlers, and where no adapter of this package runs. */
export function currentInbound(): InboundCall | undefined {
  return inboundCalls.getStore();
}

/** Runs `fn`, and all that it starts, as part of answering `call`. */
export function run<T>(call: InboundCall, fn: () => T): T {
  return inboundCalls.run(call, fn);
}
