/** Runs `look` alone; who asks while it runs has it run once more, and waits for that. `look` never rejects. */
export function oneAtATime(look: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let isAskedAgain = false;
  const untilQuiet = async () => {
    do {
      isAskedAgain = false;
      await look();
    } while (isAskedAgain);
    running = undefined;
  };
  return () => {
    isAskedAgain = running !== undefined;
    running ??= untilQuiet();
    return running;
  };
}
