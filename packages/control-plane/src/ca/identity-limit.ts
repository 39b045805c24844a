interface Bucket {
  tokens: number;
  at: number;
}

export interface IdentityLimitOptions {
  /** How many certificates one identity may have at once; all replicas of a workload are one. */
  readonly burst: number;
  readonly perSecond: number;
  /** Monotonic, in ms. */
  readonly now: () => number;
}

/** Istio has no such limit; one of a thousand replicas that start together must not be met. */
export const defaultIdentityLimit = Object.freeze({ burst: 1000, perSecond: 10 });

/** Only who has proved an identity has a bucket; still, those that are full again are forgotten. */
const maxBuckets = 10_000;

/** A token bucket for each identity, so that one that has gone wild does not keep the signing from the others. */
export class IdentityLimit {
  readonly #buckets = new Map<string, Bucket>();

  constructor(private readonly options: IdentityLimitOptions) {}

  /** False: refused. */
  take(spiffeId: string): boolean {
    const { burst, now } = this.options;
    const bucket = this.#buckets.get(spiffeId) ?? { tokens: burst, at: now() };
    this.#fill(bucket);
    if (this.#buckets.size >= maxBuckets) this.#forgetFull();
    this.#buckets.set(spiffeId, bucket);
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

  #fill(bucket: Bucket): void {
    const { burst, perSecond, now } = this.options;
    bucket.tokens = Math.min(burst, bucket.tokens + ((now() - bucket.at) / 1000) * perSecond);
    bucket.at = now();
  }

  #forgetFull(): void {
    for (const [spiffeId, bucket] of this.#buckets) {
      this.#fill(bucket);
      if (bucket.tokens >= this.options.burst) this.#buckets.delete(spiffeId);
    }
  }
}
