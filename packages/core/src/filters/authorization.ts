import type { Call } from '../call.js';
import type { LocalResponse, Service } from '../service.js';

/**
 * Decides about an incoming call: undefined lets it in, an answer refuses it. What it throws refuses the call as well, so
 * that a check that fails lets nobody in.
 */
export type Authorize<C extends Call> = (call: C) => LocalResponse | undefined | Promise<LocalResponse | undefined>;

/** Answers incoming calls that may not be made, in the handler's place. */
export function authorizationFilter<C extends Call>(authorize: Authorize<C>): (next: Service<C>) => Service<C> {
  return (next) => async (call) => {
    const verdict = authorize(call);
    const refusal = verdict instanceof Promise ? await verdict : verdict;
    // The caller may have left, or its deadline passed, while somebody else was asked.
    if (call.cancelled !== undefined) throw call.cancelled;
    return refusal === undefined ? next(call) : call.respond(refusal);
  };
}
