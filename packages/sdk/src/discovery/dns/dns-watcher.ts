import type { Clock, DnsHost, Random } from '@inmesh/core';
import type { TargetResolver } from './dns-endpoints.js';
import { defaultRefresh, type RefreshSettings } from './refresh-schedule.js';
import type { DnsState } from './watch-state.js';
import { type DnsListener, WatchedTarget, type WatchedTargetSettings } from './watched-target.js';

export interface DnsWatcherOptions extends Partial<RefreshSettings> {
  readonly clock: Clock;
  readonly random: Random;
  readonly resolver: TargetResolver;
  /** Default 1000: at most one change a second for one target. */
  readonly minChangeIntervalMs?: number;
  /** Default: the error is dropped, as there is nobody to tell. */
  readonly onListenerError?: (error: unknown) => void;
}

export interface Subscription {
  /** What is known now; may be ahead of what the listener has heard. */
  readonly state: DnsState;
  /** The listener is not called any more. The last one to close ends the refreshing. */
  close(): void;
}

const closedState: DnsState = { kind: 'failed', reason: 'closed' };

/**
 * Keeps targets resolved. Refreshes after the TTL (default between 1 s and 30 s, up to 10 % earlier); keeps the last good
 * endpoints through failures and through 30 s of «there are none»; shares one target among all who watch it.
 */
export class DnsWatcher {
  readonly #settings: WatchedTargetSettings;
  readonly #targets = new Map<string, WatchedTarget>();
  readonly #waiting = new Set<(state: DnsState) => void>();
  #closed = false;

  constructor(options: DnsWatcherOptions) {
    this.#settings = {
      clock: options.clock,
      random: options.random,
      resolver: options.resolver,
      minRefreshMs: options.minRefreshMs ?? defaultRefresh.minRefreshMs,
      maxRefreshMs: options.maxRefreshMs ?? defaultRefresh.maxRefreshMs,
      failureBackoff: options.failureBackoff ?? defaultRefresh.failureBackoff,
      emptyHoldMs: options.emptyHoldMs ?? defaultRefresh.emptyHoldMs,
      minChangeIntervalMs: options.minChangeIntervalMs ?? 1_000,
      onListenerError: options.onListenerError ?? (() => {}),
    };
  }

  /** The listener hears the first result, also when that is long known, but never before `watch` returns. */
  watch(target: DnsHost, listener: DnsListener): Subscription {
    if (this.#closed) return { state: closedState, close: () => {} };
    const key = JSON.stringify([target.hostname, target.port, target.srv]);
    const watched = this.#targets.get(key) ?? this.#start(key, target);
    const remove = watched.add(listener);
    const close = () => {
      remove();
      if (watched.isUnwatched) this.#stop(key, watched);
    };
    return {
      get state() {
        return watched.state;
      },
      close,
    };
  }

  /** The first state that is not `pending`; `failed` with `closed` when the watcher is closed before. Never rejects. */
  firstResult(target: DnsHost): Promise<DnsState> {
    if (this.#closed) return Promise.resolve(closedState);
    return new Promise((resolve) => {
      const settle = (state: DnsState) => {
        this.#waiting.delete(settle);
        subscription.close();
        resolve(state);
      };
      const subscription = this.watch(target, (_endpoints, state) => settle(state));
      this.#waiting.add(settle);
    });
  }

  close(): void {
    this.#closed = true;
    for (const watched of this.#targets.values()) watched.close();
    this.#targets.clear();
    for (const settle of [...this.#waiting]) settle(closedState);
  }

  #start(key: string, target: DnsHost): WatchedTarget {
    const watched = new WatchedTarget(target, this.#settings);
    this.#targets.set(key, watched);
    return watched;
  }

  #stop(key: string, watched: WatchedTarget): void {
    watched.close();
    if (this.#targets.get(key) === watched) this.#targets.delete(key);
  }
}
