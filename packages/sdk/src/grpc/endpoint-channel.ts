import type { CallCredentials } from '@grpc/grpc-js';
import type { CircuitBreaker, Clock } from '@inmesh/core';
import type { AttemptChannel } from './attempt-channel.js';
import type { ChannelCall, GrpcChannel } from './grpc-js.js';

const ready = 2;
const shutdown = 4;
const maxSilenceMs = 1000;

/** grpc-js's channel to one endpoint, which is one HTTP/2 connection, and the calls that are under way on it. */
export class EndpointChannel implements AttemptChannel {
  requests = 0;
  heard = 0;
  /** Since when attempts run out of time and nothing comes. */
  #silence: { readonly heard: number; readonly since: number } | undefined;
  #active = 0;
  #closed = false;
  #draining: { readonly done: Promise<void>; readonly settle: () => void } | undefined;
  readonly #readyListeners = new Set<() => void>();
  #isWatching = false;

  constructor(
    private readonly channel: GrpcChannel,
    private readonly breaker: CircuitBreaker,
    private readonly clock: Clock,
    readonly openedAt = clock.now(),
  ) {
    breaker.connections += 1;
  }

  get isReady(): boolean {
    return this.channel.getConnectivityState(false) === ready;
  }

  createCall(path: string, deadline: number, host: string, credentials: CallCredentials | undefined): ChannelCall {
    this.requests += 1;
    const child = this.channel.createCall(path, deadline, host, null, 0);
    if (credentials !== undefined) child.setCredentials(credentials);
    return child;
  }

  /**
   * A connection whose other end is lost without a word looks like a slow server: where nothing comes for so long, on any
   * call, a new one tells. HTTP/1 closes the connection of every call that is given up; here they share it.
   */
  get isSilent(): boolean {
    const silence = this.#silence;
    return silence?.heard === this.heard && this.clock.now() - silence.since >= maxSilenceMs;
  }

  onHeard(): void {
    this.heard += 1;
  }

  onUnanswered(heardBefore: number, since = this.clock.now()): void {
    if (heardBefore !== this.heard || this.#silence?.heard === this.heard || !this.isReady) return;
    this.#silence = { heard: heardBefore, since };
  }

  onCallStarted(): void {
    this.#active += 1;
  }

  onCallEnded(): void {
    this.#active -= 1;
    this.#closeWhenUnused();
  }

  onReady(listener: () => void): () => void {
    this.#readyListeners.add(listener);
    if (!this.#isWatching) this.#watch();
    return () => this.#readyListeners.delete(listener);
  }

  /** No new calls. Settles when those under way have ended, and the connection is closed. */
  drain(): Promise<void> {
    if (this.#draining === undefined) {
      let settle!: () => void;
      const done = new Promise<void>((resolve) => {
        settle = resolve;
      });
      this.#draining = { done, settle };
      this.#closeWhenUnused();
    }
    return this.#draining.done;
  }

  #closeWhenUnused(): void {
    if (this.#draining === undefined || this.#active > 0 || this.#closed) return;
    this.#closed = true;
    this.#readyListeners.clear();
    this.breaker.connections -= 1;
    this.channel.close();
    this.#draining.settle();
  }

  #watch(): void {
    const state = this.channel.getConnectivityState(false);
    this.#isWatching = !this.#closed && state !== shutdown && this.#readyListeners.size > 0;
    if (!this.#isWatching) return;
    this.channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, () => {
      if (!this.#closed && this.isReady) this.#tellReady();
      this.#watch();
    });
  }

  #tellReady(): void {
    const listeners = [...this.#readyListeners];
    this.#readyListeners.clear();
    for (const listener of listeners) listener();
  }
}
