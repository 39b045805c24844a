/** What stands around a guarded function. Every part is optional; times are milliseconds. */
export interface GuardPolicy {
  /**
   * For the whole call, retries and waiting included; 0 for none. Default 15 000 (Envoy's route timeout). The deadline of
   * the request being answered shortens it.
   */
  readonly timeoutMs?: number;
  /** Default: none, because the function may not be safe to repeat. */
  readonly retries?: GuardRetries;
  /** On by default; `false` switches it off. */
  readonly circuitBreaker?: GuardCircuitBreaker | false;
  /**
   * Most runs of the function at once. Default: no limit. A run that timed out keeps its place until the function itself
   * settles, since it still burdens whatever it calls.
   */
  readonly maxConcurrent?: number;
  /** Most calls that wait for a place; one more fails at once (`upstream_overflow`). Default 1024 (Envoy). */
  readonly maxPending?: number;
  /** Calls beyond it fail at once (`rate_limited`). Default: no limit. */
  readonly rateLimit?: GuardRateLimit;
}

export interface GuardRetries {
  /** Retries after the first attempt. */
  readonly attempts: number;
  /** For one run of the function; 0 for none. Default 0. */
  readonly perTryTimeoutMs?: number;
  /** Full jitter: uniform in [0, min((2^retry - 1) * baseMs, maxMs)). Default 25 and 250 (Envoy). */
  readonly backoff?: { readonly baseMs?: number; readonly maxMs?: number };
  /**
   * Whether an error is worth another attempt. Default: all are, but not what another mesh call or guard refused or ran out
   * of time for. The guard's own refusals are never retried.
   */
  readonly retryOn?: (error: unknown) => boolean;
}

export interface GuardCircuitBreaker {
  /** Opens after so many failures in a row; 0 for never. Default 0. */
  readonly consecutiveErrors?: number;
  /** Opens when at least this share of the window's runs failed, in percent. Default 50. */
  readonly errorThresholdPercentage?: number;
  /** Fewer runs in the window never open it. Default 20. */
  readonly volumeThreshold?: number;
  /** Default 10 000. */
  readonly windowMs?: number;
  /**
   * How long it stays open before one probe is let through, and how long that probe may take. Default 30 000 (Envoy's base
   * ejection time).
   */
  readonly openMs?: number;
  /** Which errors speak against the function's service. Default: all, timeouts included. */
  readonly isFailure?: (error: unknown) => boolean;
}

/** At most `requests` calls in any span of `perMs`, wherever it begins. */
export interface GuardRateLimit {
  readonly requests: number;
  readonly perMs: number;
}

/** A policy with its defaults filled in. */
export interface ResolvedGuardPolicy {
  readonly timeoutMs: number;
  readonly retries: ResolvedRetries | undefined;
  readonly circuitBreaker: ResolvedCircuitBreaker | undefined;
  readonly maxConcurrent: number;
  readonly maxPending: number;
  readonly rateLimit: GuardRateLimit | undefined;
}

export type ResolvedRetries = Required<Omit<GuardRetries, 'backoff'>> & {
  readonly backoff: { readonly baseMs: number; readonly maxMs: number };
};

export type ResolvedCircuitBreaker = Required<GuardCircuitBreaker>;
