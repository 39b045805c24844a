import { backoffDelayMs, type Clock, type Random, type Timer } from '@inmesh/core';
import type { IdentityStream, IdentityStreamEnd, IdentityStreamHandlers } from '@inmesh/xds/client';
import type { Logger } from '../logger.js';
import { FirstAnswer } from './first-answer.js';
import { HoldingSource } from './holding-source.js';
import type { Identity } from './identity.js';

export interface StreamIdentityOptions<Message> {
  /** For logs, e.g. `Workload API unix:/run/spire/agent.sock`. */
  readonly description: string;
  readonly open: (handlers: IdentityStreamHandlers<Message>) => IdentityStream;
  /** Undefined: more has to come. What it throws is why the message is not taken. @param now wall clock, in ms */
  readonly read: (message: Message, now: number) => Identity | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Ms; what validity is judged by. Default: Date.now. */
  readonly wallClock?: (() => number) | undefined;
}

type Phase =
  | { readonly kind: 'idle' }
  | { readonly kind: 'streaming'; readonly stream: IdentityStream }
  | { readonly kind: 'waiting'; readonly timer: Timer }
  /** Asking again would not help. */
  | { readonly kind: 'given up' }
  | { readonly kind: 'closed' };

const reconnectBackoff = { baseMs: 1000, maxMs: 30_000 } as const;

/** An identity that somebody else keeps fresh, and sends anew when it is another. */
export class StreamIdentity<Message> extends HoldingSource {
  #phase: Phase = { kind: 'idle' };
  /** Streams in a row that have delivered nothing good. */
  #failures = 0;
  readonly #firstAnswer: FirstAnswer;

  constructor(private readonly options: StreamIdentityOptions<Message>) {
    super(options.description, 'no identity has been delivered yet', options);
    this.#firstAnswer = new FirstAnswer(options.clock);
  }

  start(): void {
    if (this.#phase.kind === 'idle') this.#connect();
  }

  /** Starts, and waits for the first answer, good or bad, but no longer than that. */
  async open(waitMs: number): Promise<void> {
    this.start();
    await this.#firstAnswer.wait(waitMs);
  }

  close(): void {
    if (this.#phase.kind === 'waiting') this.#phase.timer.cancel();
    if (this.#phase.kind === 'streaming') this.#phase.stream.close();
    this.#phase = { kind: 'closed' };
    this.held.close();
  }

  #connect(): void {
    const stream = this.options.open({
      onMessage: (read) => this.#receive(read),
      onEnd: (end) => this.#ended(end),
    });
    this.#phase = { kind: 'streaming', stream };
  }

  #receive(read: () => Message): string | undefined {
    let identity: Identity | undefined;
    try {
      identity = this.options.read(read(), this.held.wallClock());
    } catch (error) {
      const { message } = error as Error;
      this.held.refuse(message);
      this.#firstAnswer.arrived();
      return message;
    }
    if (identity === undefined) return undefined;
    this.#failures = 0;
    this.held.take(identity);
    this.#firstAnswer.arrived();
    return undefined;
  }

  #ended(end: IdentityStreamEnd): void {
    this.#failures += 1;
    if (end.kind === 'denied') this.held.withdraw(end.reason);
    else this.held.refuse(end.reason);
    this.#firstAnswer.arrived();
    if (end.kind === 'rejected') {
      this.#phase = { kind: 'given up' };
      return;
    }
    const { clock, random } = this.options;
    const delayMs = backoffDelayMs(reconnectBackoff, this.#failures, random);
    this.#phase = { kind: 'waiting', timer: clock.setTimer(delayMs, () => this.#connect()) };
  }
}
