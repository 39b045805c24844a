import type { Clock } from '../clock.js';
import type { TokenBucketSettings } from '../model/route.js';

/** Gives leave to one call at a time. A promise only where others have to be asked (Redis). */
export interface Bucket {
  /** True when there was a token, which is then gone. */
  take(): boolean | Promise<boolean>;
}

/**
 * Envoy's bucket (type/v3/token_bucket.proto): it starts full, gets `tokensPerFill` at the end of every interval since it
 * was made, and holds `maxTokens` at most. There is no timer: what has come is counted when somebody asks.
 */
export class TokenBucket implements Bucket {
  readonly #madeAt: number;
  #tokens: number;
  /** Fills that have been counted. Kept instead of a time, which would drift where an interval is a fraction. */
  #fills = 0;

  constructor(
    private readonly settings: TokenBucketSettings,
    private readonly clock: Clock,
  ) {
    this.#madeAt = clock.now();
    this.#tokens = settings.maxTokens;
  }

  take(): boolean {
    this.#fill();
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** What is in it now. */
  get tokens(): number {
    this.#fill();
    return this.#tokens;
  }

  #fill(): void {
    const { maxTokens, tokensPerFill, fillIntervalMs } = this.settings;
    const fills = Math.floor((this.clock.now() - this.#madeAt) / fillIntervalMs);
    if (fills <= this.#fills) return;
    this.#tokens = Math.min(maxTokens, this.#tokens + (fills - this.#fills) * tokensPerFill);
    this.#fills = fills;
  }
}
