import type { Call } from './call.js';
import type { Clock } from './clock.js';

/** Resolves after the time has passed; rejects with the reason when the call is interrupted before. */
export function waitUnlessInterrupted(call: Call, clock: Clock, delayMs: number): Promise<void> {
  if (call.cancelled !== undefined) return Promise.reject(call.cancelled);
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(delayMs, () => {
      call.interrupt = undefined;
      resolve();
    });
    call.interrupt = (reason) => {
      timer.cancel();
      call.interrupt = undefined;
      reject(reason);
    };
  });
}
