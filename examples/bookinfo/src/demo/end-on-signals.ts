/** npm passes a Ctrl-C on to its child, which the terminal has told already: so soon, a second one is the same one. */
const sameMs = 500;

/** Ends the process in order at the first signal, at once at the second. */
export function endOnSignals(end: () => Promise<void>): void {
  let endingSince: number | undefined;
  const onSignal = () => {
    if (endingSince === undefined) {
      endingSince = Date.now();
      end().then(
        () => process.exit(0),
        (error) => {
          console.error(error);
          process.exit(1);
        },
      );
    } else if (Date.now() - endingSince > sameMs) {
      process.exit(1);
    }
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
}
