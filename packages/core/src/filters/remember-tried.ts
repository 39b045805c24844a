import type { Call } from '../call.js';

/** The next attempt is to go elsewhere. */
export function rememberTried(call: Call): void {
  if (call.endpoint === undefined) return;
  if (call.triedEndpoints === undefined) call.triedEndpoints = [call.endpoint];
  else call.triedEndpoints.push(call.endpoint);
}
