import { type Clock, MeshError, type MeshErrorDetails, type MeshErrorReason, type Timer } from '@inmesh/core';

interface WaitLimit {
  readonly ms: number;
  exceeded(): MeshError;
}

/** One call of a guarded function: its deadline, and the one place where it waits. */
export class GuardCall {
  /** Runs of the function so far. */
  attempts = 0;
  /** Whether the function is at work, and not a queue or a pause between attempts. */
  isRunning = false;
  readonly startedAt: number;
  /** Set once; the call must not go on. */
  #ended: MeshError | undefined;
  /** A call waits in one place at a time, so one slot is enough. */
  #interrupt: ((reason: MeshError) => void) | undefined;
  #timer: Timer | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly guardName: string,
    /** On the scale of the clock; Infinity for never. */
    readonly deadline: number,
  ) {
    this.startedAt = clock.now();
  }

  /** The reason for which the call was ended or refused: no further attempt may start. */
  get ended(): MeshError | undefined {
    return this.#ended;
  }

  get durationMs(): number {
    return this.clock.now() - this.startedAt;
  }

  startDeadline(): void {
    if (this.deadline === Number.POSITIVE_INFINITY) return;
    const remaining = this.deadline - this.startedAt;
    if (remaining <= 0) throw this.refuse('deadline_exceeded', { message: 'the deadline had passed before the call' });
    this.#timer = this.clock.setTimer(remaining, () => this.#runOut(remaining));
  }

  /** The deadline's timer must not outlive the call. */
  finish(): void {
    this.#timer?.cancel();
  }

  /** Ends the call wherever it waits. The first reason wins. */
  end(reason: MeshError): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    this.#interrupt?.(reason);
  }

  /** Ends the call for a reason of the guard's own, and returns it. */
  refuse(reason: MeshErrorReason, details: MeshErrorDetails): MeshError {
    const refusal = this.failure(reason, details);
    this.end(refusal);
    return refusal;
  }

  failure(reason: MeshErrorReason, details: MeshErrorDetails): MeshError {
    return new MeshError(reason, { ...details, cluster: `guard|${this.guardName}`, attempts: this.attempts });
  }

  /**
   * Follows `work`, but rejects as soon as the call is ended. What becomes of the work afterwards is taken note of, so that
   * a late failure is never an unhandled one.
   */
  wait<T>(work: Promise<T>, limit?: WaitLimit): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let waiting = true;
      let timer: Timer | undefined;
      const stop = (settle: () => void) => {
        if (!waiting) return; // too late: by now the call may wait elsewhere
        waiting = false;
        timer?.cancel();
        this.#interrupt = undefined;
        settle();
      };
      const interrupt = (reason: MeshError) => stop(() => reject(reason));
      this.#interrupt = interrupt;
      if (limit !== undefined) timer = this.clock.setTimer(limit.ms, () => interrupt(limit.exceeded()));
      work.then(
        (value) => stop(() => resolve(value)),
        (error) => stop(() => reject(error)),
      );
      if (this.#ended !== undefined) interrupt(this.#ended);
    });
  }

  async sleep(ms: number): Promise<void> {
    let timer: Timer | undefined;
    const slept = new Promise<void>((resolve) => {
      timer = this.clock.setTimer(ms, resolve);
    });
    try {
      await this.wait(slept);
    } finally {
      timer?.cancel();
    }
  }

  #runOut(afterMs: number): void {
    this.end(
      this.failure('deadline_exceeded', {
        message: `no result within ${Math.round(afterMs)} ms`,
        hint: 'raise timeoutMs, or find out why the function is slow',
        maybeSent: this.attempts > 0,
      }),
    );
  }
}
