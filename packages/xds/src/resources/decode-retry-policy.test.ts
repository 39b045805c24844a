import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { RetryPolicySchema } from '../messages.js';
import { decodeRetryPolicy } from './decode-retry-policy.js';
import { FieldScope } from './field-scope.js';

const decode = (init: MessageInitShape<typeof RetryPolicySchema>) =>
  FieldScope.collect((at) => ({
    policy: decodeRetryPolicy(create(RetryPolicySchema, { retryOn: '5xx', ...init }), at),
  }));

const ms = (value: number) => ({ seconds: BigInt(Math.trunc(value / 1000)), nanos: (value % 1000) * 1e6 });

describe('a retry policy', () => {
  it('has Envoy’s defaults', () => {
    expect(decode({})).toMatchObject({
      ok: true,
      warnings: [],
      value: {
        policy: {
          on: new Set(['5xx']),
          attempts: 1,
          perTryTimeoutMs: 0,
          statusCodes: [],
          hostSelectionAttempts: 1,
          backoff: { baseMs: 25, maxMs: 250 },
        },
      },
    });
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
    expect(decode({ hostSelectionRetryMaxAttempts: 5n })).toMatchObject({
      value: { policy: { hostSelectionAttempts: 5 } },
    });
    expect(decode({ hostSelectionRetryMaxAttempts: 0n })).toMatchObject({
      value: { policy: { hostSelectionAttempts: 1 } },
    });
  });
});
