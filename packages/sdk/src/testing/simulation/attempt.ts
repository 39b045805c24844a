import {
  type Clock,
  type FinishListener,
  HeaderList,
  MeshError,
  type Random,
  type Reply,
  type Timer,
} from '@inmesh/core';
import { type Behaviour, drawDelay, type SimulatedAnswer } from './behaviour.js';
import type { SimulatedCall } from './call.js';

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
  readonly #onInterrupt = (reason: MeshError) => this.#interrupt(reason);

  constructor(
    private readonly call: SimulatedCall,
    private readonly parts: Parts,
  ) {
    call.interrupt = this.#onInterrupt;
  }

  start(behaviour: Behaviour): void {
    const { clock, random } = this.parts;
    switch (behaviour.kind) {
      case 'answer': {
        const { status = 200, headers } = behaviour;
        this.#bodyMs = drawDelay(behaviour.bodyMs, random);
        const answer = { status: typeof status === 'number' ? status : status(this.call.request, random), headers };
        this.#timer = clock.setTimer(drawDelay(behaviour.latencyMs, random), () => this.#answer(answer));
        return;
      }
      case 'handle':
        behaviour.handler(this.call.request).then(
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
    this.httpStatus = status;
    this.#headers = HeaderList.of(Object.entries(headers));
    this.parts.resolve(this);
  }

  #reset(): void {
    this.#fail(new MeshError('upstream_connection_termination', { message: 'socket hang up', maybeSent: true }));
  }

  #interrupt(reason: MeshError): void {
    if (this.#phase === 'sent') this.#fail(reason);
    else this.#end(reason);
  }

  #fail(failure: MeshError): void {
    if (this.#phase !== 'sent') return;
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
