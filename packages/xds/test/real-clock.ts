import type { Clock } from '@inmesh/core';

/** For tests over real sockets; those that look at time take a fake one. */
export const realClock: Clock = {
  now: () => performance.now(),
  setTimer(delayMs, fire) {
    const timer = setTimeout(fire, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};
