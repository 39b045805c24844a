/** What tiers tell each other so that only one of them retries; lower-case. */
export const retryHeaders = {
  /** Request: which attempt this is, on retries only (Envoy). The tiers below leave retrying to the sender. */
  attemptCount: 'x-envoy-attempt-count',
  /**
   * Response: what failed was retried, or could not be, further down. The tiers above do not retry it. Request: it is part
   * of what a tier further up retries, which is told on to every tier below.
   */
  noRetry: 'x-inmesh-no-retry',
} as const;
