import type { RateLimit } from '@inmesh/core';
import type { SimulatedCall } from './call.js';

type Bucket = NonNullable<RateLimit['bucket']>;

interface Ledger {
  readonly bucket: Bucket;
  /** When the first call that came to it began: its bucket is not older. */
  since: number;
  readonly passed: number[];
}

/** Notes the calls that limits of the caller's side let pass, to compare them in the end with what their buckets give. */
export class RateLedger {
  readonly #ledgers = new Map<string, Ledger>();

  /** At the first attempt of a call. */
  recordAttempt(call: SimulatedCall, now: number): void {
    for (const ledger of this.#ledgersOf(call)) ledger.passed.push(now);
  }

  /** At its end, whatever became of it: one that came no further than to the bucket has made it all the same. */
  recordCall(call: SimulatedCall): void {
    for (const ledger of this.#ledgersOf(call)) ledger.since = Math.min(ledger.since, call.startedAt);
  }

  #ledgersOf({ route, startedAt }: SimulatedCall): Ledger[] {
    return (route?.rateLimits ?? []).filter(countsEveryCall).map(({ name, bucket }) => {
      const ledger = this.#ledgers.get(name) ?? { bucket, since: startedAt, passed: [] };
      this.#ledgers.set(name, ledger);
      return ledger;
    });
  }

  *excesses(): Generator<string> {
    for (const [name, { bucket, since, passed }] of this.#ledgers) {
      for (const [index, at] of passed.entries()) {
        if (index + 1 > bucket.maxTokens + given(bucket, at - since))
          yield `${name}: ${index + 1} calls until ${at} ms`;
        const first = passed.findIndex((time) => time > at - bucket.fillIntervalMs);
        if (index + 1 - first > bucket.maxTokens + bucket.tokensPerFill)
          yield `${name}: ${index + 1 - first} calls in the interval until ${at} ms`;
      }
    }
  }
}

/** Limits of one name are one limit; others, and those for a share of the calls, are not looked at. */
function countsEveryCall(limit: RateLimit): limit is RateLimit & { bucket: Bucket } {
  const { name, side, bucket, descriptors, enabledPerMillion, enforcedPerMillion } = limit;
  const always = enabledPerMillion >= 1_000_000 && enforcedPerMillion >= 1_000_000;
  return name !== '' && side === 'outbound' && bucket !== undefined && descriptors.length === 0 && always;
}

function given({ tokensPerFill, fillIntervalMs }: Bucket, ms: number): number {
  return Math.floor(ms / fillIntervalMs) * tokensPerFill;
}
