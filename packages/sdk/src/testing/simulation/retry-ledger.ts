import type { ClusterState } from '@inmesh/core';
import type { SimulatedCall } from './call.js';

type RetryBudget = ClusterState['retryBudget'];

/** The window of the mesh's own budget, with one of its buckets to spare on either side. */
const windowMs = 10_000;
const bucketMs = 1000;
const percent = 20;
const floor = 10;

interface Ledger {
  readonly cluster: string;
  readonly requests: number[];
  readonly retries: number[];
}

/** Notes calls and retries of each budget by itself, to compare them in the end with what it promised. */
export class RetryLedger {
  readonly #ledgers = new Map<RetryBudget, Ledger>();

  /** A call counts whatever became of it: refused by a breaker, too. */
  recordCall(call: SimulatedCall): void {
    if (call.cluster !== undefined) this.#ledgerOf(call).requests.push(call.startedAt);
  }

  /** An attempt that is about to leave. What never reached a server moves on outside of the budget. */
  recordAttempt(call: SimulatedCall, now: number): void {
    const { cluster } = call.cluster!;
    if (call.attempt <= 1 || !call.lastAttemptSent || cluster.retryBudget !== undefined) return;
    this.#ledgerOf(call).retries.push(now);
  }

  *excesses(): Generator<string> {
    for (const { cluster, requests, retries } of this.#ledgers.values()) {
      requests.sort((a, b) => a - b);
      for (const at of retries) {
        const retried = within(retries, at - windowMs + bucketMs, at);
        const called = within(requests, at - windowMs - bucketMs, at);
        if (retried <= Math.max(floor, Math.floor((percent * called) / 100))) continue;
        yield `${cluster}: ${retried} retries of ${called} calls in the window that ends at ${at} ms`;
      }
    }
  }

  #ledgerOf(call: SimulatedCall): Ledger {
    const { cluster, state } = call.cluster!;
    let ledger = this.#ledgers.get(state.retryBudget);
    if (ledger === undefined) {
      ledger = { cluster: cluster.name, requests: [], retries: [] };
      this.#ledgers.set(state.retryBudget, ledger);
    }
    return ledger;
  }
}

/** How many of the times lie in [from, to]. */
function within(times: readonly number[], from: number, to: number): number {
  return times.reduce((count, time) => (time >= from && time <= to ? count + 1 : count), 0);
}
