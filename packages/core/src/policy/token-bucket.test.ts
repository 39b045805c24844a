import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../testing/index.js';
import { TokenBucket } from './token-bucket.js';

const settings = { maxTokens: 3, tokensPerFill: 2, fillIntervalMs: 1000 };

function takeAll(bucket: TokenBucket): number {
  let taken = 0;
  while (bucket.take()) taken += 1;
  return taken;
}

describe('A token bucket', () => {
  it('starts full', () => {
    expect(takeAll(new TokenBucket(settings, new FakeClock(77)))).toBe(3);
  });

  it('is filled at the end of each interval since it was made, and not before', () => {
    const clock = new FakeClock(500);
    const bucket = new TokenBucket(settings, clock);
    takeAll(bucket);
    clock.advance(999);
    expect(takeAll(bucket)).toBe(0);
    clock.advance(1);
    expect(takeAll(bucket)).toBe(2);
    clock.advance(1999);
    expect(takeAll(bucket)).toBe(2);
    clock.advance(1);
    expect(takeAll(bucket)).toBe(2);
  });

  it('holds no more than its maximum, however long nobody asks', () => {
    const clock = new FakeClock();
    const bucket = new TokenBucket(settings, clock);
    takeAll(bucket);
    clock.advance(1e12);
    expect(bucket.tokens).toBe(3);
  });

  it('with one token in 5 s lets one call through in every 5 s', () => {
    const clock = new FakeClock();
    const bucket = new TokenBucket({ maxTokens: 1, tokensPerFill: 1, fillIntervalMs: 5000 }, clock);
    let taken = 0;
    for (let ms = 0; ms < 60_000; ms += 100) {
      if (bucket.take()) taken += 1;
      clock.advance(100);
    }
    expect(taken).toBe(12);
  });
});

const steps = fc.array(fc.record({ wait: fc.nat(5000), takes: fc.nat(8) }), { maxLength: 40 });
const anySettings = fc.record({
  maxTokens: fc.integer({ min: 1, max: 20 }),
  tokensPerFill: fc.integer({ min: 1, max: 25 }),
  fillIntervalMs: fc.integer({ min: 1, max: 3000 }),
});

describe('A token bucket, whatever is asked of it and when,', () => {
  it('has the tokens that filling it step by step gives', () => {
    fc.assert(
      fc.property(anySettings, steps, fc.integer({ min: -1e6, max: 1e6 }), (with_, sequence, start) => {
        const clock = new FakeClock(start);
        const bucket = new TokenBucket(with_, clock);
        let expected = with_.maxTokens;
        let elapsed = 0;
        for (const { wait, takes } of sequence) {
          for (let ms = 0; ms < wait; ms += 1) {
            elapsed += 1;
            if (elapsed % with_.fillIntervalMs === 0) {
              expected = Math.min(with_.maxTokens, expected + with_.tokensPerFill);
            }
          }
          clock.advance(wait);
          for (let i = 0; i < takes; i += 1) {
            expect(bucket.take()).toBe(expected > 0);
            expected = Math.max(0, expected - 1);
          }
          expect(bucket.tokens).toBe(expected);
        }
      }),
    );
  });

  it('never gives more than its maximum and its fills, and never holds less than nothing', () => {
    fc.assert(
      fc.property(anySettings, steps, (with_, sequence) => {
        const clock = new FakeClock();
        const bucket = new TokenBucket(with_, clock);
        let taken = 0;
        for (const { wait, takes } of sequence) {
          clock.advance(wait);
          for (let i = 0; i < takes; i += 1) if (bucket.take()) taken += 1;
          const fills = Math.floor(clock.now() / with_.fillIntervalMs);
          expect(taken).toBeLessThanOrEqual(with_.maxTokens + fills * with_.tokensPerFill);
          expect(bucket.tokens).toBeGreaterThanOrEqual(0);
          expect(bucket.tokens).toBeLessThanOrEqual(with_.maxTokens);
        }
      }),
    );
  });
});
