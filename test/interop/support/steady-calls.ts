import type { GrpcPeer, Outcome } from './grpc-peer.js';

/** So that a server whose share is a half is missed by chance once in 10^12 batches. */
const batch = 40;

export interface SteadyCalls {
  /** The message of each call that failed. */
  readonly failures: readonly string[];
  /** Settles when the calls go to these servers, and to all of them. @throws after 30 s */
  untilServers(names: readonly string[]): Promise<void>;
  /** Settles when the calls under way have ended. */
  close(): Promise<void>;
}

/** Calls, batch after batch, until it is closed. */
export function steadyCalls(caller: GrpcPeer): SteadyCalls {
  const failures: string[] = [];
  let isClosed = false;
  let last: Outcome | undefined;
  const run = async () => {
    while (!isClosed) {
      last = await caller.call(batch, { parallel: 4 });
      failures.push(...Object.entries(last.messages).map(([status, message]) => `${status}: ${message}`));
    }
  };
  const ended = run();
  ended.catch(() => {});
  return {
    failures,
    async untilServers(names) {
      const boundMs = performance.now() + 30_000;
      const wanted = [...names].sort().join();
      while (serversOf(last) !== wanted) {
        if (performance.now() > boundMs)
          throw new Error(`calls go to ${serversOf(last)} and not to ${wanted}: ${failures}`);
        // Rejects with what has ended the caller.
        await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 10))]);
      }
    },
    async close() {
      isClosed = true;
      await ended;
    },
  };
}

function serversOf(outcome: Outcome | undefined): string {
  return Object.keys(outcome?.servers ?? {})
    .sort()
    .join();
}
