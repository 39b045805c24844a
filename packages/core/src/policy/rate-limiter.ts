import type { Call } from '../call.js';
import type { Clock, Random } from '../clock.js';
import type { RateLimit, TokenBucketSettings } from '../model/route.js';
import { compileDescriptor, type DescriptorMaker, descriptorKey } from '../router/rate-limit-descriptors.js';
import { type Bucket, TokenBucket } from './token-bucket.js';

export type RateLimitSide = RateLimit['side'];

/** Makes the bucket of a limit that processes share; the id is the same in all of them. */
export type SharedBuckets = (id: string, settings: TokenBucketSettings) => Bucket;

/** The limit that refuses a call; undefined: the call may go on. */
export type RateLimitVerdict = RateLimit | undefined;

export interface RateLimiterOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** What `sourceCluster` is in descriptors. Default: empty. */
  readonly sourceCluster?: string;
  /** Undefined: limits of the whole mesh, too, are counted by each process. */
  readonly shared?: SharedBuckets | undefined;
}

/** Buckets that no limit has asked for are forgotten from here on, the longest forgotten first. */
const maxBuckets = 10_000;

interface RankedBucket {
  readonly bucket: Bucket;
  readonly limit: RateLimit;
  readonly isDefault: boolean;
  readonly tokensPerMs: number;
}

interface CompiledLimit {
  readonly limit: RateLimit;
  readonly makers: readonly DescriptorMaker[];
  readonly descriptors: ReadonlyMap<string, RankedBucket>;
  readonly byDefault: RankedBucket | undefined;
}

/**
 * Counts calls against the limits of their routes. A bucket belongs to a limit's name, side, scope, descriptor and settings:
 * routes that carry the same limit share it, and it is kept over new configuration as long as these stay the same. Without
 * a name it belongs to the one route, and is as new as that.
 *
 * Every bucket that a call matches must have a token. They are asked as Envoy asks them (local_ratelimit_impl.cc): those of
 * descriptors first, then the default ones, each from the slowest fill to the fastest; the first that is empty refuses the
 * call, and what earlier ones gave is not given back.
 */
export class RateLimiter {
  readonly #buckets = new Map<string, Bucket>();
  readonly #compiled = new WeakMap<RateLimit, CompiledLimit>();

  constructor(private readonly options: RateLimiterOptions) {}

  check(limits: readonly RateLimit[], side: RateLimitSide, call: Call): RateLimitVerdict | Promise<RateLimitVerdict> {
    const found: RankedBucket[] = [];
    for (const limit of limits) {
      if (limit.side === side && this.#draw(limit.enabledPerMillion)) collect(this.#compile(limit), call, found);
    }
    if (found.length > 1) found.sort(byRank);
    return this.#takeFrom(found, 0);
  }

  #takeFrom(buckets: readonly RankedBucket[], first: number): RateLimitVerdict | Promise<RateLimitVerdict> {
    for (let i = first; i < buckets.length; i += 1) {
      const { bucket, limit } = buckets[i]!;
      const taken = bucket.take();
      if (typeof taken !== 'boolean') {
        return taken.then((token) => (this.#refuses(token, limit) ? limit : this.#takeFrom(buckets, i + 1)));
      }
      if (this.#refuses(taken, limit)) return limit;
    }
    return undefined;
  }

  #refuses(token: boolean, { enforcedPerMillion }: RateLimit): boolean {
    return !token && this.#draw(enforcedPerMillion);
  }

  #draw(perMillion: number): boolean {
    return perMillion >= 1_000_000 || this.options.random() * 1_000_000 < perMillion;
  }

  #compile(limit: RateLimit): CompiledLimit {
    let compiled = this.#compiled.get(limit);
    if (compiled === undefined) {
      const { sourceCluster = '' } = this.options;
      const rank = (key: string, settings: TokenBucketSettings, isDefault: boolean): RankedBucket => {
        const tokensPerMs = settings.tokensPerFill / settings.fillIntervalMs;
        return { bucket: this.#bucket(limit, key, settings), limit, isDefault, tokensPerMs };
      };
      compiled = {
        limit,
        makers: limit.actions.map((actions) => compileDescriptor(actions, sourceCluster)),
        descriptors: new Map(
          limit.descriptors.map(({ entries, bucket }) => {
            const key = descriptorKey(entries);
            return [key, rank(key, bucket, false)];
          }),
        ),
        byDefault: limit.bucket && rank('', limit.bucket, true),
      };
      this.#compiled.set(limit, compiled);
    }
    return compiled;
  }

  #bucket({ name, side, scope }: RateLimit, descriptor: string, settings: TokenBucketSettings): Bucket {
    const { clock, shared } = this.options;
    if (name === '') return new TokenBucket(settings, clock);
    const { maxTokens, tokensPerFill, fillIntervalMs } = settings;
    const id = [side, scope, name, `${maxTokens}/${tokensPerFill}/${fillIntervalMs}`, descriptor].join('|');
    const bucket =
      this.#buckets.get(id) ??
      (scope === 'mesh' && shared !== undefined ? shared(id, settings) : new TokenBucket(settings, clock));
    // The order of a map is that of setting: what is asked for again is the youngest.
    this.#buckets.delete(id);
    this.#buckets.set(id, bucket);
    if (this.#buckets.size > maxBuckets) this.#buckets.delete(this.#buckets.keys().next().value!);
    return bucket;
  }
}

/** The buckets that count a call; none twice, though limits of one name may stand on its route more than once. */
function collect({ limit, makers, descriptors, byDefault }: CompiledLimit, call: Call, found: RankedBucket[]): void {
  let matched = false;
  for (const make of descriptors.size === 0 ? [] : makers) {
    const key = make(call);
    const bucket = key === undefined ? undefined : descriptors.get(key);
    if (bucket === undefined) continue;
    matched = true;
    addOnce(bucket, found);
  }
  if (byDefault !== undefined && (!matched || limit.alwaysConsumeDefault)) addOnce(byDefault, found);
}

function addOnce(ranked: RankedBucket, found: RankedBucket[]): void {
  if (!found.some(({ bucket }) => bucket === ranked.bucket)) found.push(ranked);
}

function byRank(a: RankedBucket, b: RankedBucket): number {
  return Number(a.isDefault) - Number(b.isDefault) || a.tokensPerMs - b.tokensPerMs;
}
