import type { ClientCall } from './client-call.js';
import type { ServerParentCall } from './grpc-js.js';

const cancelled = 1;

/** Calls under way, by the call of a grpc-js server that they are part of: it is listened to once, however many they are. */
const children = new WeakMap<ServerParentCall, Set<ClientCall>>();

/** Ends a call with its parent (gRPC's propagation of cancellation). */
export function cancelWith(parent: ServerParentCall, call: ClientCall): void {
  if (parent.cancelled) {
    cancelChild(call);
    return;
  }
  const siblings = children.get(parent) ?? childrenOf(parent);
  siblings.add(call);
  call.onEnded = () => siblings.delete(call);
}

function childrenOf(parent: ServerParentCall): Set<ClientCall> {
  const calls = new Set<ClientCall>();
  children.set(parent, calls);
  parent.on('cancelled', () => {
    for (const call of calls) cancelChild(call);
  });
  return calls;
}

function cancelChild(call: ClientCall): void {
  call.cancelWithStatus(cancelled, 'Cancelled by parent call');
}
