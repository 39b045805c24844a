import type { Clock } from '@inmesh/core';
import type { Logger } from '../logger.js';
import type { FetchKeySet } from './fetch-key-set.js';
import { parseKeySet, type VerificationKey } from './key-set.js';

/** Beyond the time of caching known keys serve as long as this while the issuer does not answer. */
export const staleMs = 60 * 60_000;

/** A flood of tokens with unknown keys, or an issuer that is away, is no reason to ask more often. */
const minIntervalMs = 30_000;

/** As long as no keys are known at all, who asks next is asked for sooner: doubled up to the interval above. */
const firstRetryMs = 1000;

type KnownKeys =
  | { readonly kind: 'none'; readonly failures: number }
  | { readonly kind: 'known'; readonly keys: readonly VerificationKey[]; readonly fetchedAt: number };

export interface RemoteKeysOptions {
  readonly uri: string;
  readonly timeoutMs: number;
  /** How long keys are used without asking again. */
  readonly cacheMs: number;
  readonly clock: Clock;
  readonly fetchKeySet: FetchKeySet;
  readonly logger: Logger;
}

/**
 * The keys of an issuer. They are fetched when the first token comes, and again, with no call waiting, when a token comes
 * after the time of caching. One fetch is under way at a time.
 */
export class RemoteKeys {
  #state: KnownKeys = { kind: 'none', failures: 0 };
  #fetching: Promise<void> | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  #isAway = false;

  constructor(private readonly options: RemoteKeysOptions) {}

  /** Undefined: there are none that may be used. */
  get(): readonly VerificationKey[] | undefined | Promise<readonly VerificationKey[] | undefined> {
    const keys = this.#usable();
    if (keys === undefined) return this.#ask();
    if (this.#age() > this.options.cacheMs) void this.#fetchWhenDue();
    return keys;
  }

  /** For a token whose key is not among those known. Undefined: it is too early to ask again. */
  getNewer(): Promise<readonly VerificationKey[] | undefined> | undefined {
    return this.#fetchWhenDue()?.then(() => this.#usable());
  }

  #ask(): Promise<readonly VerificationKey[] | undefined> | undefined {
    return this.#fetchWhenDue()?.then(() => this.#usable());
  }

  #usable(): readonly VerificationKey[] | undefined {
    const isUsable = this.#state.kind === 'known' && this.#age() <= this.options.cacheMs + staleMs;
    return isUsable && this.#state.kind === 'known' ? this.#state.keys : undefined;
  }

  #age(): number {
    const { clock } = this.options;
    return this.#state.kind === 'known' ? clock.now() - this.#state.fetchedAt : Number.POSITIVE_INFINITY;
  }

  #fetchWhenDue(): Promise<void> | undefined {
    if (this.#fetching !== undefined) return this.#fetching;
    const now = this.options.clock.now();
    if (now - this.#askedAt < this.#intervalMs()) return undefined;
    this.#askedAt = now;
    this.#fetching = this.#fetch().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  #intervalMs(): number {
    if (this.#state.kind === 'known' || this.#state.failures === 0) return minIntervalMs;
    return Math.min(firstRetryMs * 2 ** (this.#state.failures - 1), minIntervalMs);
  }

  async #fetch(): Promise<void> {
    const { uri, timeoutMs, clock, fetchKeySet, logger } = this.options;
    try {
      const keys = parseKeySet(await fetchKeySet(uri, timeoutMs));
      this.#state = { kind: 'known', keys, fetchedAt: clock.now() };
      if (this.#isAway) logger.info('the keys of an issuer can be fetched again', { uri: withoutSecrets(uri) });
      this.#isAway = false;
    } catch (error) {
      if (this.#state.kind === 'none') this.#state = { kind: 'none', failures: this.#state.failures + 1 };
      if (this.#isAway) return;
      this.#isAway = true;
      const reason = error instanceof Error ? error.message : 'unknown';
      logger.warn('the keys of an issuer cannot be fetched: those known are used for an hour beyond their time', {
        uri: withoutSecrets(uri),
        reason,
      });
    }
  }
}

/** A query or a user may be one. */
function withoutSecrets(uri: string): string {
  return uri.replace(/[?#].*$/s, '').replace(/\/\/[^/@]*@/, '//');
}
