import { setImmediate as nextTurn } from 'node:timers/promises';

/** The longest stretch of work before the event loop gets its turn. */
const sliceMs = 8;

/** What the steps come to, with a turn of the event loop between some and the next; undefined when they are given up. */
export async function inSlices<Result>(
  steps: Generator<void, Result>,
  isGivenUp: () => boolean,
): Promise<Result | undefined> {
  for (let end = performance.now() + sliceMs; !isGivenUp(); ) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (performance.now() < end) continue;
    await nextTurn();
    end = performance.now() + sliceMs;
  }
  return undefined;
}
