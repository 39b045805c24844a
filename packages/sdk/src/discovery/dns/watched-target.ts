import type { Clock, DnsHost, Random, Timer } from '@inmesh/core';
import { ChangeGate } from './change-gate.js';
import {
  type DnsEndpoint,
  resolveTarget,
  sameEndpoints,
  type TargetResolution,
  type TargetResolver,
} from './dns-endpoints.js';
import { type RefreshSettings, refreshDelayMs } from './refresh-schedule.js';
import { type DnsState, endpointsOf, nextState } from './watch-state.js';

/** Called with the first result, good or bad, and then only when the set of endpoints has changed. */
export type DnsListener = (endpoints: readonly DnsEndpoint[], state: DnsState) => void;

export interface WatchedTargetSettings extends RefreshSettings {
  readonly clock: Clock;
  readonly random: Random;
  readonly resolver: TargetResolver;
  /** Between two changes that listeners hear of: each one rebuilds connection pools. */
  readonly minChangeIntervalMs: number;
  /** Hears what a listener threw. */
  readonly onListenerError: (error: unknown) => void;
}

interface Subscriber {
  readonly listener: DnsListener;
  told: DnsState | undefined;
}

/** One target and the loop that keeps it fresh: refresh() -> learn() -> publish(), and again after the delay. */
export class WatchedTarget {
  readonly #subscribers = new Set<Subscriber>();
  readonly #gate: ChangeGate;
  #state: DnsState = { kind: 'pending' };
  /** What listeners have been told; behind `#state` while a change waits at the gate. */
  #published: DnsState = this.#state;
  #failures = 0;
  #timer: Timer | undefined;
  #closed = false;

  constructor(
    private readonly target: DnsHost,
    private readonly settings: WatchedTargetSettings,
  ) {
    this.#gate = new ChangeGate(settings.clock, settings.minChangeIntervalMs);
    void this.#refresh();
  }

  get state(): DnsState {
    return this.#state;
  }

  get isUnwatched(): boolean {
    return this.#subscribers.size === 0;
  }

  /** The listener is never called before this returns. */
  add(listener: DnsListener): () => void {
    const subscriber: Subscriber = { listener, told: undefined };
    this.#subscribers.add(subscriber);
    if (this.#published.kind !== 'pending') queueMicrotask(() => this.#tell(subscriber));
    return () => void this.#subscribers.delete(subscriber);
  }

  close(): void {
    this.#closed = true;
    this.#subscribers.clear();
    this.#timer?.cancel();
    this.#gate.cancel();
  }

  async #refresh(): Promise<void> {
    const outcome = await resolveTarget(this.settings.resolver, this.target);
    if (this.#closed) return;
    this.#learn(outcome);
    this.#publish();
  }

  #learn(outcome: TargetResolution): void {
    const { clock, random, emptyHoldMs } = this.settings;
    const now = clock.now();
    this.#state = nextState(this.#state, outcome, now, emptyHoldMs);
    this.#failures = outcome.kind === 'failure' ? this.#failures + 1 : 0;
    const input = { outcome, state: this.#state, now, failures: this.#failures };
    const delayMs = refreshDelayMs(this.settings, input, random);
    if (Number.isFinite(delayMs)) this.#timer = clock.setTimer(delayMs, () => void this.#refresh());
  }

  #publish(): void {
    const isFirst = this.#published.kind === 'pending';
    const changed = !sameEndpoints(endpointsOf(this.#published), endpointsOf(this.#state));
    if (changed) {
      this.#gate.pass(() => this.#tellAll());
      return;
    }
    // A change that still waits has been taken back.
    this.#gate.cancel();
    if (isFirst) this.#tellAll();
    else this.#published = this.#state;
  }

  #tellAll(): void {
    this.#published = this.#state;
    for (const subscriber of [...this.#subscribers]) this.#tell(subscriber);
  }

  #tell(subscriber: Subscriber): void {
    if (!this.#subscribers.has(subscriber) || subscriber.told === this.#published) return;
    subscriber.told = this.#published;
    try {
      subscriber.listener(endpointsOf(this.#published), this.#published);
    } catch (error) {
      this.settings.onListenerError(error);
    }
  }
}
