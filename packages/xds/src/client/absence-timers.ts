import type { Clock, Timer } from '@inmesh/core';

/** How long a resource that was asked for may be missing before it counts as not existing (gRFC A57, Envoy's default). */
export const absenceTimeoutMs = 15_000;

/** The same where it only means that the server has trouble (gRFC A88, `resource_timer_is_transient_error`). */
export const transientTimeoutMs = 30_000;

/**
 * One deadline for each awaited name. They run only while the server can be reached, and from the beginning each time: an
 * outage says nothing about what exists.
 */
export class AbsenceTimers {
  /** In the order of their deadlines, because all waits are equally long. */
  readonly #deadlines = new Map<string, number>();
  #isRunning = false;
  #timeoutMs = absenceTimeoutMs;
  #timer: (Timer & { readonly at: number }) | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly onAbsent: (names: readonly string[]) => void,
  ) {}

  /** Replaces what is awaited; names that were awaited before keep their deadline. */
  await(names: ReadonlySet<string>): void {
    for (const name of this.#deadlines.keys()) if (!names.has(name)) this.#deadlines.delete(name);
    const deadline = this.clock.now() + this.#timeoutMs;
    for (const name of names) if (!this.#deadlines.has(name)) this.#deadlines.set(name, deadline);
    this.#schedule();
  }

  start(timeoutMs = absenceTimeoutMs): void {
    this.#isRunning = true;
    this.#timeoutMs = timeoutMs;
    const names = new Set(this.#deadlines.keys());
    this.#deadlines.clear();
    this.await(names);
  }

  stop(): void {
    this.#isRunning = false;
    this.#schedule();
  }

  #schedule(): void {
    const [first] = this.#isRunning ? this.#deadlines.values() : [];
    if (this.#timer?.at === first) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (first === undefined) return;
    const timer = this.clock.setTimer(first - this.clock.now(), () => this.#expire());
    this.#timer = { at: first, cancel: () => timer.cancel() };
  }

  #expire(): void {
    this.#timer = undefined;
    const now = this.clock.now();
    const absent: string[] = [];
    for (const [name, deadline] of this.#deadlines) {
      if (deadline > now) break;
      this.#deadlines.delete(name);
      absent.push(name);
    }
    this.#schedule();
    if (absent.length > 0) this.onAbsent(absent);
  }
}
