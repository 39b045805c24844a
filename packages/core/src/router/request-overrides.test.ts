import { describe, expect, it } from 'vitest';
import { HeaderList } from '../header-list.js';
import type { ForwardAction, RetryCondition } from '../model/route.js';
import { testForward, testRetryPolicy } from '../testing/index.js';
import { withRequestOverrides } from './request-overrides.js';

function overridden(headers: Record<string, string>, action: ForwardAction = testForward()) {
  const list = HeaderList.of(Object.entries(headers));
  return { action: withRequestOverrides(action, list), left: list.flat };
}

describe('withRequestOverrides', () => {
  it('keeps the very action of a request without such a header', () => {
    const action = testForward();
    const headers = { accept: '*/*', 'x-envoy-expected-rq-timeout-ms': '5', 'x-envoy-attempt-count': '1' };
    expect(overridden(headers, action).action).toBe(action);
  });

  it('takes the timeout and leaves its header, whose fate the transport decides', () => {
    const { action, left } = overridden({ 'x-envoy-upstream-rq-timeout-ms': '250' }, testForward({ timeoutMs: 100 }));
    expect(action.timeoutMs).toBe(250);
    expect(left).toEqual(['x-envoy-upstream-rq-timeout-ms', '250']);
    expect(overridden({ 'x-envoy-upstream-rq-timeout-ms': '0' }, testForward({ timeoutMs: 9 })).action.timeoutMs).toBe(
      0,
    );
  });

  it('makes a policy with Envoy’s defaults for a route that has none', () => {
    const { action, left } = overridden({
      'x-envoy-retry-on': '5xx, connect-failure',
      'x-envoy-retry-grpc-on': 'internal',
    });
    expect(action.retry).toMatchObject({ attempts: 1, backoff: { baseMs: 25, maxMs: 250 }, perTryTimeoutMs: 0 });
    expect([...action.retry!.on]).toEqual(['5xx', 'connect-failure', 'internal']);
    expect(left).toEqual([]);
  });

  it('adds conditions, statuses and headers to the route’s, and replaces the number of retries', () => {
    const retry = testRetryPolicy({ on: new Set<RetryCondition>(['reset']), statusCodes: [425], attempts: 2 });
    const { action } = overridden(
      {
        'x-envoy-retry-on': 'retriable-status-codes',
        'x-envoy-retriable-status-codes': '418, 503',
        'x-envoy-retriable-header-names': 'X-Again, x-later',
        'x-envoy-max-retries': '4',
      },
      testForward({ retry }),
    );
    expect([...action.retry!.on]).toEqual(['reset', 'retriable-status-codes']);
    expect(action.retry!.statusCodes).toEqual([425, 418, 503]);
    expect(action.retry!.headers.map(({ name }) => name)).toEqual(['x-again', 'x-later']);
    expect(action.retry!.attempts).toBe(4);
  });

  it('gives a try its own time without any retry', () => {
    const { action } = overridden({ 'x-envoy-upstream-rq-per-try-timeout-ms': '20' });
    expect(action.retry).toMatchObject({ attempts: 0, perTryTimeoutMs: 20 });
  });

  it('drops a per-try timeout that is not below the timeout', () => {
    const headers = { 'x-envoy-upstream-rq-per-try-timeout-ms': '100' };
    expect(overridden(headers, testForward({ timeoutMs: 100 })).action.retry!.perTryTimeoutMs).toBe(0);
    expect(overridden(headers, testForward({ timeoutMs: 101 })).action.retry!.perTryTimeoutMs).toBe(100);
  });

  it('ignores what it cannot read, and takes it out all the same', () => {
    const retry = testRetryPolicy();
    const { action, left } = overridden(
      {
        'x-envoy-max-retries': 'many',
        'x-envoy-retry-on': 'weather',
        'x-envoy-retriable-status-codes': '7,abc,9999',
        'x-envoy-retriable-header-names': ' , ',
        'x-envoy-upstream-rq-per-try-timeout-ms': '-1',
      },
      testForward({ retry }),
    );
    expect(action.retry).toEqual(retry);
    expect(left).toEqual([]);
  });

  it('does not retry for a number of retries alone', () => {
    expect(overridden({ 'x-envoy-max-retries': '3' }).action.retry).toBeUndefined();
  });
});
