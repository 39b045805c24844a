import { FakeClock, testCall, testForward, testRetryPolicy } from '@inmesh/core/testing';
import { describe, expect, it } from 'vitest';
import { writeRemainingTime } from './remaining-time.js';

const upstream = 'x-envoy-upstream-rq-timeout-ms';

function written(leftMs: number, perTryTimeoutMs = 0, headers: Record<string, string> = {}): Record<string, string> {
  const call = testCall({ headers });
  call.deadline = 1000 + leftMs;
  call.action = testForward({ retry: testRetryPolicy({ perTryTimeoutMs }) });
  writeRemainingTime(call, new FakeClock(1000));
  const { flat } = call.headers;
  return Object.fromEntries(flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1]!]] : [])));
}

describe('the time that is left', () => {
  it('is said in whole milliseconds, never more than there are, and never none', () => {
    expect(written(99.9)).toEqual({ 'x-envoy-expected-rq-timeout-ms': '99' });
    expect(written(0.2)).toEqual({ 'x-envoy-expected-rq-timeout-ms': '1' });
  });

  it('is the least of call and attempt', () => {
    expect(written(100, 30)).toEqual({ 'x-envoy-expected-rq-timeout-ms': '30' });
    expect(written(20, 30)).toEqual({ 'x-envoy-expected-rq-timeout-ms': '20' });
    expect(written(Number.POSITIVE_INFINITY, 30)).toEqual({ 'x-envoy-expected-rq-timeout-ms': '30' });
  });

  it('is not said where there is no end', () => {
    expect(written(Number.POSITIVE_INFINITY, 0, { [upstream]: '5' })).toEqual({ [upstream]: '5' });
  });

  it('takes the place of what the caller said', () => {
    const headers = { [upstream]: '5000', 'x-envoy-expected-rq-timeout-ms': '5000' };
    expect(written(100, 0, headers)).toEqual({ [upstream]: '100', 'x-envoy-expected-rq-timeout-ms': '100' });
  });

  it('is said to gRPC services in their own way, too', () => {
    for (const type of ['application/grpc', 'application/grpc+proto'])
      expect(written(1500.5, 0, { 'content-type': type })['grpc-timeout']).toBe('1500500u');
    expect(written(1500, 0, { 'content-type': 'application/json' })).not.toHaveProperty('grpc-timeout');
  });
});
