import {
  type Clock,
  type FinishListener,
  HeaderList,
  MeshError,
  type Random,
  type Reply,
  retryHeaders,
  type Timer,
} from '@inmesh/core';
import { type Behaviour, drawDelay, type SimulatedAnswer } from './behaviour.js';
import type { SimulatedCall } from './call.js';
import { ServedRequest } from './served-request.js';

interface Parts {
  readonly clock: Clock;
  readonly random: Random;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (failure: MeshError) => void;
}

/** One attempt on one simulated server. The request has been sent; headers and the end of the body come by the clock. */
export class SimulatedAttempt implements Reply {
  httpStatus = 0;
  readonly grpcStatus = undefined;
  readonly flags = undefined;
  #headers = new HeaderList();
  #phase: 'sent' | 'answered' | 'ended' = 'sent';
  #bodyMs = 0;
  #timer: Timer | undefined;
  #failure: MeshError | undefined;
  readonly #listeners: FinishListener[] = [];
  readonly #request: ServedRequest;
  readonly #startedAt: number;
  readonly #onInterrupt = (reason: MeshError) => this.#interrupt(reason);

  constructor(
    private readonly call: SimulatedCall,
    private readonly parts: Parts,
  ) {
    this.#request = new ServedRequest(call);
    this.#startedAt = parts.clock.now();
    call.interrupt = this.#onInterrupt;
    this.#touch();
  }

  start(behaviour: Behaviour): void {
    const { clock, random } = this.parts;
    switch (behaviour.kind) {
      case 'answer': {
        const { status = 200, headers } = behaviour;
        this.#bodyMs = drawDelay(behaviour.bodyMs, random);
        const answer = { status: typeof status === 'number' ? status : status(random, this.#request), headers };
        this.#timer = clock.setTimer(drawDelay(behaviour.latencyMs, random), () => this.#answer(answer));
        return;
      }
      case 'handle':
        behaviour.handler(this.#request).then(
          (answer) => this.#answer(answer),
          () => this.#answer({ status: 500 }),
        );
        return;
      case 'reset':
        this.#timer = clock.setTimer(drawDelay(behaviour.latencyMs, random), () => this.#reset());
        return;
      default: // A hanging server says nothing, and a refusing one was never reached.
    }
  }

  header(name: string): string | undefined {
    return this.#headers.get(name);
  }

  setHeader(name: string, value: string): void {
    this.#headers.set(name, value);
  }

  appendHeader(name: string, value: string): void {
    this.#headers.append(name, value);
  }

  removeHeader(name: string): void {
    this.#headers.delete(name);
  }

  onFinish(listener: FinishListener): void {
    if (this.#phase === 'ended') listener(this.#failure);
    else this.#listeners.push(listener);
  }

  deliver(): void {
    if (this.#phase !== 'ended') this.#timer = this.parts.clock.setTimer(this.#bodyMs, () => this.#end(undefined));
  }

  discard(): void {
    this.#end(undefined);
  }

  #answer({ status, headers = {} }: SimulatedAnswer): void {
    if (this.#phase !== 'sent') return;
    this.#phase = 'answered';
    this.#touch();
    this.httpStatus = status;
    this.#headers = HeaderList.of(Object.entries(headers));
    if (this.#request.retriesSpent) this.#headers.set(retryHeaders.noRetry, '1');
    const sent = this.#headers.copy();
    this.call.lastOutcome = { ...this.#ending(), kind: 'answered', status, header: (name) => sent.get(name) };
    this.parts.resolve(this);
  }

  /** Something has moved between the client and the server. */
  #touch(): void {
    this.call.idleWatch?.touch();
    this.call.attemptIdleWatch?.touch();
  }

  #ending() {
    return { attempt: this.call.attempt, startedAt: this.#startedAt, at: this.parts.clock.now() };
  }

  #reset(): void {
    this.#fail(new MeshError('upstream_connection_termination', { message: 'socket hang up', maybeSent: true }));
  }

  #interrupt(reason: MeshError): void {
    this.#request.cancel();
    if (this.#phase === 'sent') this.#fail(reason);
    else this.#end(reason);
  }

  #fail(failure: MeshError): void {
    if (this.#phase !== 'sent') return;
    this.call.lastOutcome = { ...this.#ending(), kind: 'broken', reason: failure.reason };
    this.#end(failure);
    this.parts.reject(failure);
  }

  #end(failure: MeshError | undefined): void {
    if (this.#phase === 'ended') return;
    this.#phase = 'ended';
    this.#failure = failure;
    this.#timer?.cancel();
    if (this.call.interrupt === this.#onInterrupt) this.call.interrupt = undefined;
    for (const listener of this.#listeners) listener(failure);
  }
}
