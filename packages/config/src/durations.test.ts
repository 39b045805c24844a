import { describe, expect, it } from 'vitest';
import { type DurationResult, parseGatewayDuration, parseGoDuration } from './durations.js';

function millisOf(result: DurationResult): number | string {
  return result.ok ? Number(result.duration.seconds) * 1000 + result.duration.nanos / 1e6 : result.message;
}

describe("A duration in Go's syntax", () => {
  it.each([
    ['0s', 0],
    ['1ms', 1],
    ['10s', 10_000],
    ['1.5s', 1500],
    ['.5s', 500],
    ['1m30s', 90_000],
    ['1h2m3s4ms', 3_723_004],
    ['2000us', 2],
    ['2000µs', 2],
  ])('%s is read', (text, millis) => {
    expect(millisOf(parseGoDuration(text))).toBe(millis);
  });

  it.each(['', '5', '10 s', '1d', 's', '1s ', '1..5s', '1e3s'])('"%s" is refused', (text) => {
    expect(millisOf(parseGoDuration(text))).toMatch(/is not a duration such as 10s/);
  });

  it('is not negative, not too short to be noticed, and not longer than anyone waits', () => {
    expect(millisOf(parseGoDuration('-1s'))).toBe('"-1s" is negative');
    expect(millisOf(parseGoDuration('10us'))).toBe('"10us" is less than 1ms');
    expect(millisOf(parseGoDuration(`${'9'.repeat(30)}h`))).toMatch(/is longer than 100 years/);
  });
});

describe('A duration of the Gateway API', () => {
  it.each([
    ['0s', 0],
    ['250ms', 250],
    ['1h30m10s5ms', 5_410_005],
  ])('%s is read', (text, millis) => {
    expect(millisOf(parseGatewayDuration(text))).toBe(millis);
  });

  it.each(['1.5s', '100us', '123456s', '1h1m1s1ms1ms', '5'])('%s is refused', (text) => {
    expect(millisOf(parseGatewayDuration(text))).toMatch(/GEP-2257/);
  });
});
