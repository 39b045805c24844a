import { RetryPolicy_ResetHeaderFormat } from '@inmesh/xds/messages';
import { describe, expect, it } from 'vitest';
import { issuesOf, load, service, virtualService } from '../../test/support.js';

const shop = service('shop', 80);

function rules(retries: string): string {
  return virtualService(`    - retries: ${retries}\n      route: [{ destination: { host: shop } }]`);
}

function policyOf(retries: string) {
  const { resources } = load(shop, rules(retries));
  const action = resources.routes.get('shop.default.svc.cluster.local:80')?.virtualHosts[0]?.routes[0]?.action;
  return action?.case === 'route' ? action.value.retryPolicy : undefined;
}

describe('The retries of a rule', () => {
  it('are two, elsewhere, and without status codes, when nothing is said', () => {
    const { resources } = load(shop);
    const action = resources.routes.get('shop.default.svc.cluster.local:80')?.virtualHosts[0]?.routes[0]?.action;
    expect(action?.case === 'route' && action.value.retryPolicy).toMatchObject({
      numRetries: 2,
      retryOn: 'connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes',
      retriableStatusCodes: [],
      hostSelectionRetryMaxAttempts: 5n,
      retryHostPredicate: [{ name: 'envoy.retry_host_predicates.previous_hosts' }],
    });
  });

  it('obey a server that says when to come back, up to five minutes', () => {
    expect(policyOf('{ attempts: 1 }')?.rateLimitedRetryBackOff).toMatchObject({
      resetHeaders: [{ name: 'retry-after', format: RetryPolicy_ResetHeaderFormat.SECONDS }],
      maxInterval: { seconds: 300n, nanos: 0 },
    });
  });

  it('are none with no attempts', () => {
    expect(policyOf('{ attempts: 0 }')).toBeUndefined();
    expect(policyOf('{ perTryTimeout: 1s }')).toBeUndefined();
  });

  it('take numbers among the conditions for status codes', () => {
    expect(policyOf('{ attempts: 1, retryOn: "5xx, 503 ,429" }')).toMatchObject({
      retryOn: '5xx,retriable-status-codes',
      retriableStatusCodes: [503, 429],
    });
    expect(policyOf('{ attempts: 1, retryOn: "retriable-status-codes,503" }')?.retryOn).toBe('retriable-status-codes');
  });

  it('may go to an endpoint that was tried before, if they are told to', () => {
    expect(policyOf('{ attempts: 1, retryIgnorePreviousHosts: false }')?.retryHostPredicate).toEqual([]);
  });

  it.each([
    [
      '{ attempts: 1, retryOn: gateway-errors }',
      /retryOn: "gateway-errors" is neither .* \(did you mean "gateway-error"/,
    ],
    ['{ attempts: 1, retryOn: "42" }', /retryOn: 42 is not an HTTP status code/],
    ['{ attempts: -1 }', /attempts: must not be negative/],
    ['{ attempts: 1, perTryTimeout: -1s }', /perTryTimeout: "-1s" is negative/],
    ['{ attempts: 1, perTryTimout: 1s }', /perTryTimout: is not a field of this API \(did you mean "perTryTimeout"/],
  ])('are refused: %s', (retries, expected) => {
    expect(issuesOf(shop, rules(retries))).toEqual([expect.stringMatching(expected)]);
  });
});
