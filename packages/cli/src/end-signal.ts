import { constants } from 'node:os';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export type EndSignal = (typeof signals)[number];

export interface EndSignals {
  /** Settles at the first signal. */
  readonly first: Promise<EndSignal>;
  /** Takes the process's handlers off again. */
  dispose(): void;
}

/** The first signal asks for a clean end; the second ends the process at once. */
export function watchEndSignals(beforeForced: () => void = () => {}): EndSignals {
  let resolve!: (signal: EndSignal) => void;
  const first = new Promise<EndSignal>((onSignal) => {
    resolve = onSignal;
  });
  let count = 0;
  const onSignal = (signal: EndSignal) => {
    count += 1;
    resolve(signal);
    if (count === 1) return;
    beforeForced();
    process.exit(exitCodeOf(signal));
  };
  for (const signal of signals) process.on(signal, onSignal);
  return {
    first,
    dispose: () => {
      for (const signal of signals) process.off(signal, onSignal);
    },
  };
}

/** What shells give to a process that a signal ended. */
export function exitCodeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}
