/** Runs `count` tasks with at most `concurrency` at once. */
export async function inParallel(
  count: number,
  concurrency: number,
  task: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await task(next++);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

/** A load that goes on until it is stopped; every failure is kept. */
export function constantLoad(concurrency: number, send: () => Promise<string>) {
  const answers: string[] = [];
  const failures: unknown[] = [];
  let stopped = false;
  const worker = async () => {
    while (!stopped) {
      try {
        answers.push(await send());
      } catch (error) {
        failures.push(error);
      }
    }
  };
  const workers = Promise.all(Array.from({ length: concurrency }, worker));
  return {
    answers,
    failures,
    async stop() {
      stopped = true;
      await workers;
    },
  };
}
