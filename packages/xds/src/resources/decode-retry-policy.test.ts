import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import { problemsOf, someAny } from '../../test/fixtures.js';
import { PreviousHostsPredicateSchema, RetryPolicy_ResetHeaderFormat, RetryPolicySchema } from '../messages.js';
import { decodeRetryPolicy } from './decode-retry-policy.js';
import { FieldScope } from './field-scope.js';

const decode = (init: MessageInitShape<typeof RetryPolicySchema>) =>
  FieldScope.collect((at) => ({
    policy: decodeRetryPolicy(create(RetryPolicySchema, { retryOn: '5xx', ...init }), at),
  }));

const attemptsOf = (init: MessageInitShape<typeof RetryPolicySchema>) => {
  const result = decode(init);
  return result.ok ? result.value.policy?.hostSelectionAttempts : result.errors;
};

const previousHosts = {
  name: 'previous',
  configType: {
    case: 'typedConfig',
    value: anyPack(PreviousHostsPredicateSchema, create(PreviousHostsPredicateSchema)),
  },
} as const;

const ms = (value: number) => ({ seconds: BigInt(Math.trunc(value / 1000)), nanos: (value % 1000) * 1e6 });

describe('a retry policy', () => {
  it('has Envoy’s defaults', () => {
    expect(decode({})).toEqual({
      ok: true,
      warnings: [],
      value: {
        policy: {
          on: new Set(['5xx']),
          attempts: 1,
          perTryTimeoutMs: 0,
          perTryIdleTimeoutMs: 0,
          statusCodes: [],
          headers: [],
          requestHeaders: [],
          hostSelectionAttempts: 0,
          backoff: { baseMs: 25, maxMs: 250 },
          rateLimitedBackoff: undefined,
        },
      },
    });
  });

  it('looks at headers of the response and of the request', () => {
    const result = decode({
      perTryIdleTimeout: ms(1500),
      retriableHeaders: [{ name: 'X-Retry' }],
      retriableRequestHeaders: [{ name: ':method', headerMatchSpecifier: { case: 'exactMatch', value: 'GET' } }],
    });
    expect(result).toMatchObject({
      warnings: [],
      value: {
        policy: {
          perTryIdleTimeoutMs: 1500,
          headers: [{ name: 'x-retry', test: { kind: 'present' } }],
          requestHeaders: [{ name: ':method', test: { kind: 'string' } }],
        },
      },
    });
    expect(decode({ retriableHeaders: [{}] })).toMatchObject({ errors: [{ path: 'retriable_headers[0].name' }] });
  });

  it('waits as a server asks, 300 s at most unless it is told otherwise', () => {
    const { SECONDS, UNIX_TIMESTAMP } = RetryPolicy_ResetHeaderFormat;
    const resetHeaders = [
      { name: 'Retry-After', format: SECONDS },
      { name: 'x-reset', format: UNIX_TIMESTAMP },
    ];
    expect(decode({ rateLimitedRetryBackOff: { resetHeaders } })).toMatchObject({
      value: {
        policy: {
          rateLimitedBackoff: {
            resetHeaders: [
              { name: 'retry-after', format: 'seconds' },
              { name: 'x-reset', format: 'unixTimestamp' },
            ],
            maxIntervalMs: 300_000,
          },
        },
      },
    });
    expect(decode({ rateLimitedRetryBackOff: { resetHeaders, maxInterval: ms(5) } })).toMatchObject({
      value: { policy: { rateLimitedBackoff: { maxIntervalMs: 5 } } },
    });
    const wrong = { resetHeaders: [{ name: '' }, { name: 'a', format: 7 as 0 }], maxInterval: {} };
    expect(problemsOf(decode({ rateLimitedRetryBackOff: wrong }))).toEqual([
      'rate_limited_retry_back_off.reset_headers[0].name: must not be empty',
      'rate_limited_retry_back_off.reset_headers[1].format: 7 is unknown',
      'rate_limited_retry_back_off.max_interval: must be more than zero',
    ]);
    expect(problemsOf(decode({ rateLimitedRetryBackOff: {} }))).toEqual([
      'rate_limited_retry_back_off.reset_headers: is empty',
    ]);
  });

  it('splits conditions at commas and blanks, takes numbers as status codes and ignores what it does not know', () => {
    const result = decode({ retryOn: 'connect-failure, reset 503,, made-up', retriableStatusCodes: [429, 503] });
    expect(result).toMatchObject({
      value: {
        policy: { on: new Set(['connect-failure', 'reset', 'retriable-status-codes']), statusCodes: [429, 503] },
      },
      warnings: [{ path: 'retry_on', message: expect.stringContaining('made-up') }],
    });
  });

  it.each([{ numRetries: 0 }, { retryOn: '' }, { retryOn: ' , ' }, { retryOn: 'made-up', numRetries: 3 }])(
    'is none with %j',
    (init) => {
      expect(decode(init)).toMatchObject({ ok: true, value: { policy: undefined } });
    },
  );

  it('takes a back-off, and ten times its base for want of a maximum', () => {
    expect(decode({ retryBackOff: { baseInterval: ms(100) } })).toMatchObject({
      value: { policy: { backoff: { baseMs: 100, maxMs: 1000 } } },
    });
    expect(decode({ retryBackOff: { baseInterval: ms(100), maxInterval: ms(2500) } })).toMatchObject({
      value: { policy: { backoff: { baseMs: 100, maxMs: 2500 } } },
    });
  });

  it('rounds a base below a millisecond up, as Envoy does', () => {
    expect(decode({ retryBackOff: { baseInterval: { nanos: 1000 } } })).toMatchObject({
      value: { policy: { backoff: { baseMs: 1, maxMs: 10 } } },
    });
  });

  it.each([
    [{ baseInterval: ms(100), maxInterval: ms(99) }, 'retry_back_off.max_interval'],
    [{ baseInterval: {} }, 'retry_back_off.base_interval'],
    [{ baseInterval: { seconds: -1n } }, 'retry_back_off.base_interval'],
  ])('refuses a back-off that makes no sense', (retryBackOff, path) => {
    const result = decode({ retryBackOff });
    expect(result.ok ? [] : result.errors.map((error) => error.path)).toContain(path);
  });

  it('refuses a negative count of host selections and takes zero as the default', () => {
    expect(decode({ hostSelectionRetryMaxAttempts: -1n })).toMatchObject({
      errors: [{ path: 'host_selection_retry_max_attempts' }],
    });
    expect(attemptsOf({ hostSelectionRetryMaxAttempts: 5n, retryHostPredicate: [previousHosts] })).toBe(5);
    expect(attemptsOf({ hostSelectionRetryMaxAttempts: 0n, retryHostPredicate: [previousHosts] })).toBe(1);
  });

  it('looks for another host only when a predicate asks for it, known by its type or its name', () => {
    const named = { name: 'envoy.retry_host_predicates.previous_hosts' };
    expect(attemptsOf({ hostSelectionRetryMaxAttempts: 5n })).toBe(0);
    expect(attemptsOf({ hostSelectionRetryMaxAttempts: 5n, retryHostPredicate: [named] })).toBe(5);
    const canary = { name: 'canary', configType: { case: 'typedConfig', value: someAny() } } as const;
    expect(decode({ hostSelectionRetryMaxAttempts: 5n, retryHostPredicate: [canary] })).toMatchObject({
      value: { policy: { hostSelectionAttempts: 0 } },
      warnings: [{ path: 'retry_host_predicate[0]', message: expect.stringContaining('"canary" is ignored') }],
    });
  });
});
