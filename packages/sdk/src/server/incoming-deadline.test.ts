import { HeaderList } from '@inmesh/core';
import { describe, expect, it } from 'vitest';
import { formatGrpcTimeout, incomingDeadline } from './incoming-deadline.js';

const maxMs = 2 ** 31 - 1;

function deadline(...headers: [string, string][]): number {
  return incomingDeadline(HeaderList.of(headers), 1000);
}

describe('an incoming deadline', () => {
  it('is never without a header', () => {
    expect(deadline()).toBe(Number.POSITIVE_INFINITY);
  });

  it.each([
    ['1H', 3_600_000],
    ['2M', 120_000],
    ['3S', 3000],
    ['40m', 40],
    ['500u', 0.5],
    ['250n', 0.00025],
    ['0m', 0],
    ['99999999H', maxMs],
  ])('counts grpc-timeout %s from now', (value, ms) => {
    expect(deadline(['grpc-timeout', value])).toBe(1000 + ms);
  });

  it.each([
    ['15', 15],
    ['007', 7],
    ['2147483648', maxMs],
    ['9'.repeat(400), maxMs],
  ])('counts x-envoy-expected-rq-timeout-ms and x-envoy-upstream-rq-timeout-ms %s from now', (value, ms) => {
    expect(deadline(['x-envoy-expected-rq-timeout-ms', value])).toBe(1000 + ms);
    expect(deadline(['x-envoy-upstream-rq-timeout-ms', value])).toBe(1000 + ms);
  });

  it.each(['', '1', 'm', '123456789m', '-1m', '1.5S', '1 S', '1s', '1h', '1m,2m'])(
    'ignores grpc-timeout «%s»',
    (value) => {
      expect(deadline(['grpc-timeout', value])).toBe(Number.POSITIVE_INFINITY);
    },
  );

  it.each(['', '0', '000', '-5', '1.5', '1e3', '5ms', ' 5'])('ignores x-envoy-expected-rq-timeout-ms «%s»', (value) => {
    expect(deadline(['x-envoy-expected-rq-timeout-ms', value])).toBe(Number.POSITIVE_INFINITY);
  });

  it('is the least of all that were sent', () => {
    const envoy = 'x-envoy-expected-rq-timeout-ms';
    expect(deadline([envoy, '80'], ['grpc-timeout', '50m'])).toBe(1050);
    expect(deadline([envoy, '80'], [envoy, '30'], ['grpc-timeout', '50m'])).toBe(1030);
    expect(deadline([envoy, 'soon'], ['grpc-timeout', '50m'])).toBe(1050);
    expect(deadline([envoy, '80'], ['x-envoy-upstream-rq-timeout-ms', '20'], ['grpc-timeout', '50m'])).toBe(1020);
  });
});

describe('formatGrpcTimeout', () => {
  it.each([
    [Number.NEGATIVE_INFINITY, '1n'],
    [0, '1n'],
    [0.0000001, '1n'],
    [1.1, '1100000n'],
    [99.999999, '99999999n'],
    [100, '100000u'],
    [5000, '5000000u'],
    [100_000, '100000m'],
    [100_000_000, '100000S'],
    [1e11, '1666667M'],
    [1e13, '2777778H'],
    [Number.POSITIVE_INFINITY, '99999999H'],
  ])('writes %d ms as %s', (ms, value) => {
    expect(formatGrpcTimeout(ms)).toBe(value);
  });

  it('is read back as the same time or the next unit above it', () => {
    for (const ms of [0.001, 0.5, 7, 99.5, 1234, 98_765.4321, 3_600_001, 2_000_000_001]) {
      const back = incomingDeadline(HeaderList.of([['grpc-timeout', formatGrpcTimeout(ms)]]), 0);
      expect(back).toBeGreaterThanOrEqual(ms);
      expect(back).toBeLessThan(ms * 1.001);
    }
  });
});
