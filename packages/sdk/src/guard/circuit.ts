import { EventEmitter } from 'node:events';
import CircuitBreaker from 'opossum';
import type { ResolvedCircuitBreaker } from './guard-policy.js';

const bucketCount = 10;
const rotate = 'rotate';

/**
 * An opossum breaker that is told how runs ended, after they have. It never holds a run, so none can leave it stuck
 * half-open, and no outcome reaches it but those that its owner chooses.
 */
export type Circuit = CircuitBreaker<[failed: boolean], void>;

export function createCircuit(policy: ResolvedCircuitBreaker, rotator: EventEmitter): Circuit {
  return new CircuitBreaker(replay, {
    timeout: false,
    resetTimeout: policy.openMs,
    // Opossum opens above its threshold, Envoy at it.
    errorThresholdPercentage: policy.errorThresholdPercentage - 1e-9,
    volumeThreshold: policy.volumeThreshold,
    rollingCountTimeout: policy.windowMs,
    rollingCountBuckets: bucketCount,
    rollingPercentilesEnabled: false,
    // Without these two every breaker has two interval timers, for ever.
    enableSnapshots: false,
    rotateBucketController: rotator,
  });
}

/** Throws and does not reject, because opossum counts a throw at once and a rejection some turns later. */
function replay(failed: boolean): Promise<void> {
  if (failed) throw new Error('failed');
  return Promise.resolve();
}

/** Turns the buckets of opossum's window when somebody looks, so that no timer need do it. */
export class WindowRotator extends EventEmitter {
  readonly #bucketMs: number;
  #turnedAt: number;

  constructor(windowMs: number, now: number) {
    super();
    this.#bucketMs = windowMs / bucketCount;
    this.#turnedAt = now;
  }

  turn(now: number): void {
    const due = Math.floor((now - this.#turnedAt) / this.#bucketMs);
    if (due <= 0) return;
    this.#turnedAt += due * this.#bucketMs;
    this.#turnBuckets(Math.min(due, bucketCount));
  }

  clear(): void {
    this.#turnBuckets(bucketCount);
  }

  #turnBuckets(times: number): void {
    for (let i = 0; i < times; i += 1) this.emit(rotate);
  }
}
