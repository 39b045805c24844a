import { type HeaderList, MeshError, retryHeaders } from '@inmesh/core';
import type { SimulatedRequest } from './behaviour.js';
import type { SimulatedCall } from './call.js';

/** A request on its server, and what the calls that are made for it share with it, as in the adapters of the SDK. */
export class ServedRequest implements SimulatedRequest {
  readonly method: string;
  readonly path: string;
  readonly deadline: number;
  /** A call that was made for it failed although it was retried: its caller is not to try it again. */
  retriesSpent = false;
  readonly #headers: HeaderList;
  readonly #calls = new Set<SimulatedCall>();

  constructor({ method, path, deadline, headers }: SimulatedCall) {
    this.method = method;
    this.path = path;
    this.deadline = deadline;
    this.#headers = headers.copy();
  }

  header(name: string): string | undefined {
    return this.#headers.get(name);
  }

  /** Whether its caller retries, and leaves the tiers below nothing to retry. */
  get isRetry(): boolean {
    return Number(this.header(retryHeaders.attemptCount) ?? 1) > 1;
  }

  begin(call: SimulatedCall): void {
    this.#calls.add(call);
  }

  end(call: SimulatedCall): void {
    this.#calls.delete(call);
    if (call.retriesSpent) this.retriesSpent = true;
  }

  /** Nobody waits for its answer any more, and so for none of the calls it makes. */
  cancel(): void {
    if (this.#calls.size === 0) return;
    const reason = new MeshError('caller_cancelled', { message: 'the incoming request has ended' });
    for (const call of this.#calls) call.cancel(reason);
  }
}
