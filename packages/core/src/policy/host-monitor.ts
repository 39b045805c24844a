/** Results of one origin since the last sweep. */
export class ResultCounter {
  total = 0;
  successes = 0;

  add(success: boolean): void {
    this.total += 1;
    if (success) this.successes += 1;
  }

  /** In percent; of nothing it is not asked for. */
  get successRate(): number {
    return (this.successes * 100) / this.total;
  }

  reset(): void {
    this.total = 0;
    this.successes = 0;
  }
}

/** Whether a host takes part, and since when; times on the scale of the clock. */
export type HostStanding =
  | { readonly kind: 'neverEjected' }
  | { readonly kind: 'ejected'; readonly since: number; readonly jitterMs: number }
  | { readonly kind: 'back'; readonly since: number };

/** What outlier detection has counted of one host of one cluster (Envoy `DetectorHostMonitor`). */
export class HostMonitor {
  consecutive5xx = 0;
  consecutiveGatewayFailures = 0;
  consecutiveLocalOriginFailures = 0;
  /** Answers of the host. */
  readonly external = new ResultCounter();
  /** Connections and timeouts, where they are counted apart. */
  readonly local = new ResultCounter();
  standing: HostStanding = { kind: 'neverEjected' };
  /** What the base ejection time is multiplied by: up with each ejection, down with each interval without one. */
  ejectionMultiplier = 0;

  recordStatus(status: number): void {
    const failed = status >= 500 && status <= 599;
    this.external.add(!failed);
    this.consecutive5xx = failed ? this.consecutive5xx + 1 : 0;
    this.consecutiveGatewayFailures = isGatewayFailure(status) ? this.consecutiveGatewayFailures + 1 : 0;
  }

  recordLocalOrigin(success: boolean): void {
    this.local.add(success);
    this.consecutiveLocalOriginFailures = success ? 0 : this.consecutiveLocalOriginFailures + 1;
  }

  /** So that a few errors more do not eject again at once what has just come back. */
  resetConsecutive(): void {
    this.consecutive5xx = 0;
    this.consecutiveGatewayFailures = 0;
    this.consecutiveLocalOriginFailures = 0;
  }
}

function isGatewayFailure(status: number): boolean {
  return status === 502 || status === 503 || status === 504;
}
