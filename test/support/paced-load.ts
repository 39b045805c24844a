/** So many at once are a sign that nothing is answered: no more are sent until some are. */
const maxUnderWay = 40;
const tickMs = 5;

export interface PacedLoad {
  readonly answered: number;
  readonly failures: readonly unknown[];
  /** Settles when so many more are answered, or failed. */
  more(count: number): Promise<void>;
  /** Settles when those that are under way now have ended. */
  turnedOver(): Promise<void>;
  /** Settles when all have ended. */
  stop(): Promise<void>;
}

/** Sends at a constant rate, whether those before are answered or not, each of the senders in its turn. */
export function pacedLoad(perSecond: number, senders: readonly (() => Promise<void>)[]): PacedLoad {
  const failures: unknown[] = [];
  const underWay = new Set<Promise<void>>();
  let waiting: { until: number; go: () => void } | undefined;
  let [sent, answered, owed, at] = [0, 0, 0, performance.now()];
  const ended = () => {
    if (waiting !== undefined && answered + failures.length >= waiting.until) waiting.go();
  };
  const send = () => {
    const call: Promise<void> = senders[sent++ % senders.length]!().then(
      () => {
        answered += 1;
      },
      (error) => void failures.push(error),
    );
    underWay.add(call);
    void call.finally(() => {
      underWay.delete(call);
      ended();
    });
  };
  const timer = setInterval(() => {
    const now = performance.now();
    owed = Math.min(owed + (perSecond * (now - at)) / 1000, maxUnderWay - underWay.size);
    at = now;
    for (; owed >= 1; owed -= 1) send();
  }, tickMs);
  return {
    get answered() {
      return answered;
    },
    failures,
    more: (count) =>
      new Promise((go) => {
        waiting = { until: answered + failures.length + count, go };
      }),
    turnedOver: async () => void (await Promise.all([...underWay])),
    async stop() {
      clearInterval(timer);
      await Promise.all(underWay);
    },
  };
}
