import type { Clock } from '@inmesh/core';

/** Real time, `times` as fast: what waits for minutes is seen within seconds. */
export function fastClock(times: number): Clock {
  return {
    now: () => performance.now() * times,
    setTimer(delayMs, fire) {
      const timer = setTimeout(fire, delayMs / times);
      return { cancel: () => clearTimeout(timer) };
    },
  };
}
