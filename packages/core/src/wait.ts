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

/** What a promise resolves with; rejects with the reason when the call is interrupted, or was cancelled, before. */
export function interruptible<T>(call: Call, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    if (call.cancelled !== undefined) {
      reject(call.cancelled);
      return;
    }
    call.interrupt = (reason) => {
      call.interrupt = undefined;
      reject(reason);
    };
    work.then((value) => {
      // One that was interrupted has had its answer.
      if (call.cancelled !== undefined) return;
      call.interrupt = undefined;
      resolve(value);
    }, reject);
  });
}
