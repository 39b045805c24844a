import type { Clock, Timer } from '@inmesh/core';
import { type Circuit, createCircuit, WindowRotator } from './circuit.js';
import type { ResolvedCircuitBreaker } from './guard-policy.js';

/** A stretch of time in one state. Each one is an object of its own: a run belongs to the one in which it was admitted. */
export type Phase =
  | { readonly kind: 'closed'; failuresInRow: number }
  | { readonly kind: 'open' }
  /** `probe`: limits the one run that is let through; undefined until it comes. */
  | { readonly kind: 'halfOpen'; probe: Timer | undefined };

/**
 * Opossum says when to open and when to try again; this lets exactly one run through as the probe, opens again when the
 * probe does not settle in time, and keeps from opossum how runs ended that began in an earlier phase: a slow success
 * from before would close the circuit, a slow failure would reopen it.
 */
export class Breaker {
  readonly #policy: ResolvedCircuitBreaker;
  readonly #clock: Clock;
  readonly #window: WindowRotator;
  readonly #circuit: Circuit;
  #phase: Phase = { kind: 'closed', failuresInRow: 0 };

  constructor(policy: ResolvedCircuitBreaker, clock: Clock) {
    this.#policy = policy;
    this.#clock = clock;
    this.#window = new WindowRotator(policy.windowMs, clock.now());
    this.#circuit = createCircuit(policy, this.#window);
    this.#circuit.on('open', () => this.#enter({ kind: 'open' }));
    this.#circuit.on('halfOpen', () => this.#enter({ kind: 'halfOpen', probe: undefined }));
    this.#circuit.on('close', () => this.#closed());
  }

  /** Whether a run would be turned away now. */
  get refuses(): boolean {
    const phase = this.#phase;
    return phase.kind === 'open' || (phase.kind === 'halfOpen' && phase.probe !== undefined);
  }

  /** Lets one run through, whose end must be told with `settle`; undefined when it is turned away. */
  admit(): Phase | undefined {
    if (this.refuses) return undefined;
    const phase = this.#phase;
    if (phase.kind === 'halfOpen') phase.probe = this.#clock.setTimer(this.#policy.openMs, () => this.#circuit.open());
    return phase;
  }

  settle(phase: Phase, failed: boolean): void {
    if (phase !== this.#phase) return;
    this.#window.turn(this.#clock.now());
    this.#circuit.fire(failed).catch(() => {}); // it rejects with the failure that it has just been told
    if (phase.kind !== 'closed') return;
    phase.failuresInRow = failed ? phase.failuresInRow + 1 : 0;
    if (failed && phase.failuresInRow === this.#policy.consecutiveErrors) this.#circuit.open();
  }

  /** Leaves no timer behind. */
  shutdown(): void {
    this.#enter({ kind: 'open' });
    this.#circuit.shutdown();
  }

  /** What has failed before the probe counts no more. */
  #closed(): void {
    this.#window.clear();
    this.#enter({ kind: 'closed', failuresInRow: 0 });
  }

  #enter(next: Phase): void {
    if (this.#phase.kind === 'halfOpen') this.#phase.probe?.cancel();
    this.#phase = next;
  }
}
