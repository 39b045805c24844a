import type { Call } from '../call.js';
import { MeshError } from '../errors.js';
import { send } from '../send.js';
import type { Filter, Reply, Service } from '../service.js';
import { rememberTried } from './remember-tried.js';

/** How often a request may meet connections that their server is about to close. */
const maxRefusals = 3;

/**
 * gRFC A6, transparent retry: what an upstream has refused to begin is sent once more, whatever the policy and the budget
 * say, and to another endpoint where there is one; once again where it was not refused by an upstream that has too much,
 * but by a connection at its end (GOAWAY).
 */
export const transparentRetryFilter: Filter = (next) => (call) =>
  call.protocol === 'grpc' ? untilTaken(next, call, 0) : next(call);

function untilTaken<C extends Call>(next: Service<C>, call: C, refusals: number): Promise<Reply> {
  return send(next, call).catch((error) => {
    if (!maySendAgain(call, MeshError.from(error), refusals)) throw error;
    rememberTried(call);
    return untilTaken(next, call, refusals + 1);
  });
}

function maySendAgain(call: Call, { reason, maybeSent }: MeshError, refusals: number): boolean {
  if (maybeSent || call.cancelled !== undefined || !call.canReplay()) return false;
  if (reason === 'upstream_connection_termination') return refusals < maxRefusals;
  return reason === 'upstream_reset' && refusals === 0;
}
