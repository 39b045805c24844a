import { AsyncLocalStorage } from 'node:async_hooks';
import type { InboundCall } from './inbound-call.js';

const key = Symbol.for('inmesh.inbound-call.1');

/** One storage for a process, also when the package is installed twice: what the adapter set, every copy must find. */
function sharedStorage(): AsyncLocalStorage<InboundCall> {
  const holder = globalThis as { [key]?: AsyncLocalStorage<InboundCall> };
  holder[key] ??= new AsyncLocalStorage<InboundCall>();
  return holder[key];
}

export const inboundCalls = sharedStorage();
