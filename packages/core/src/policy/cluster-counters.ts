/** Counts since the cluster came to be, by Envoy's names (`cluster.NAME.upstream_rq_*`). */
export class ClusterCounters {
  upstreamRqRetry = 0;
  /** Retries whose outcome called for no other. */
  upstreamRqRetrySuccess = 0;
  /** Retries that a budget, a breaker or another tier's retries did not allow. */
  upstreamRqRetryOverflow = 0;
  /** Calls that would have been retried once more had the policy had a retry left. */
  upstreamRqRetryLimitExceeded = 0;
  /** Calls whose whole time passed while an attempt waited for response headers. */
  upstreamRqTimeout = 0;
  upstreamRqPerTryTimeout = 0;
}
