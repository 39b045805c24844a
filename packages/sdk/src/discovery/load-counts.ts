import type { AttemptRecorder, Call, CallEnd, CallRecorder, MeshError } from '@inmesh/core';
import { loadDurationBoundsMs, type SentLoad } from '@inmesh/xds/client';
import { httpStatusOfGrpc } from '../grpc/status-mapping.js';
import type { MeshTelemetry } from '../telemetry/plugin.js';

/**
 * Counts what is sent to each cluster, for load reports. Attempts are counted and not calls, as Envoy does: what a retry
 * made good has failed all the same where it was sent first.
 */
export class LoadCounts implements MeshTelemetry, CallRecorder {
  readonly #clusters = new Map<string, ClusterCounts>();

  callStarted(_call: Call, side: 'client' | 'server'): CallRecorder {
    return side === 'client' ? this : nobody;
  }

  /** A call that found nobody to be sent to has no attempt, and its cluster has failed it all the same. */
  callEnded(call: Call, { error }: CallEnd): void {
    const cluster = call.cluster?.cluster.name ?? call.target?.cluster;
    if (error !== undefined && cluster !== undefined && isUnsent(call, error)) this.#countsOf(cluster).drop();
  }

  attemptStarted({ cluster }: Call): AttemptRecorder | undefined {
    if (cluster === undefined) return undefined;
    const counts = this.#countsOf(cluster.cluster.name);
    counts.begin();
    return counts;
  }

  /** What was counted since it was taken last. */
  take(): SentLoad[] {
    const loads: SentLoad[] = [];
    for (const [name, counts] of this.#clusters) {
      if (counts.isIdle) this.#clusters.delete(name);
      else loads.push(counts.take());
    }
    return loads;
  }

  #countsOf(name: string): ClusterCounts {
    const known = this.#clusters.get(name);
    if (known !== undefined) return known;
    const counts = new ClusterCounts(name);
    this.#clusters.set(name, counts);
    return counts;
  }
}

/** What there was before one, a retry's first attempt, is counted already. */
function isUnsent({ endpoint, waitForReady }: Call, { reason }: MeshError): boolean {
  return endpoint === undefined && (unsentReasons.has(reason) || (waitForReady && deadlineReasons.has(reason)));
}

const unsentReasons: ReadonlySet<string> = new Set(['no_cluster', 'no_healthy_upstream', 'upstream_overflow']);
const deadlineReasons: ReadonlySet<string> = new Set([
  ...['deadline_exceeded', 'upstream_request_timeout', 'max_duration_timeout'],
]);

const nobody: CallRecorder = { callEnded() {} };

class ClusterCounts implements AttemptRecorder {
  #issued = 0;
  #succeeded = 0;
  #failed = 0;
  #inProgress = 0;
  #dropped = 0;
  readonly #counts = new Float64Array(loadDurationBoundsMs.length + 1);
  readonly #sums = new Float64Array(loadDurationBoundsMs.length + 1);

  constructor(private readonly cluster: string) {}

  /** Nothing to tell, and nobody holds on to it. */
  get isIdle(): boolean {
    return this.#issued + this.#succeeded + this.#failed + this.#inProgress + this.#dropped === 0;
  }

  begin(): void {
    this.#issued += 1;
    this.#inProgress += 1;
  }

  drop(): void {
    this.#dropped += 1;
  }

  attemptEnded(_call: Call, end: CallEnd): void {
    this.#inProgress -= 1;
    // It says nothing of the endpoint that somebody did not wait for it.
    if (end.error?.reason === 'caller_cancelled') return;
    if (hasFailed(end)) this.#failed += 1;
    else this.#succeeded += 1;
    const bucket = bucketOf(end.durationMs);
    this.#counts[bucket]! += 1;
    this.#sums[bucket]! += end.durationMs;
  }

  take(): SentLoad {
    const durations = Array.from(this.#counts, (count, bucket) => ({ count, sumMs: this.#sums[bucket]! }));
    const load = {
      ...{ cluster: this.cluster, issued: this.#issued, succeeded: this.#succeeded, failed: this.#failed },
      ...{ dropped: this.#dropped, inProgress: this.#inProgress, durations },
    };
    this.#issued = 0;
    this.#succeeded = 0;
    this.#failed = 0;
    this.#dropped = 0;
    this.#counts.fill(0);
    this.#sums.fill(0);
    return load;
  }
}

/** As Envoy counts `rq_error`: 5xx, and for gRPC the statuses that mean one. */
function hasFailed({ error, grpcStatus, httpStatus }: CallEnd): boolean {
  if (error !== undefined) return true;
  return (grpcStatus === undefined ? httpStatus : httpStatusOfGrpc(grpcStatus)) >= 500;
}

function bucketOf(durationMs: number): number {
  let bucket = 0;
  while (bucket < loadDurationBoundsMs.length && durationMs > loadDurationBoundsMs[bucket]!) bucket += 1;
  return bucket;
}
