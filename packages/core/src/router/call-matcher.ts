import type { Call } from '../call.js';
import type { Random } from '../clock.js';

/** A condition on a call, compiled once. Only a condition on a share of calls draws from `random`. */
export type CallMatcher = (call: Call, random: Random) => boolean;

/** A condition that takes no draw. */
export type CallTest = (call: Call) => boolean;

export const always: CallTest = () => true;
export const never: CallTest = () => false;

/** True when every condition is. Most routes have one condition or none, so those do not pay for a loop. */
export function allOf(conditions: readonly CallMatcher[]): CallMatcher {
  const needed = conditions.filter((condition) => condition !== always);
  const [first, second] = needed;
  if (first === undefined) return always;
  if (second === undefined) return first;
  if (needed.length === 2) return (call, random) => first(call, random) && second(call, random);
  return (call, random) => {
    for (const condition of needed) if (!condition(call, random)) return false;
    return true;
  };
}
