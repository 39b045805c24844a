import type { Call } from './call.js';
import type { MeshError } from './errors.js';

/** How a call or an attempt ended. */
export interface CallEnd {
  /** What the caller saw: the response's status, or the status of `error`; 0 when the caller went away first. */
  readonly httpStatus: number;
  readonly grpcStatus: number | undefined;
  readonly error: MeshError | undefined;
  /** Envoy's response flags where the mesh answered as it was configured to; those of a failure are `error.flag`. */
  readonly flags?: string | undefined;
  readonly durationMs: number;
}

/** What policies of this workload made of an incoming call. */
export interface PolicyDecision {
  readonly action: 'allow' | 'deny' | 'log';
  readonly allowed: boolean;
  /** It was not carried out: the policies are tried out. */
  readonly shadow: boolean;
  /** As in the configuration; undefined where none matched. */
  readonly policy: string | undefined;
}

/**
 * A listener to calls; metrics and traces are two of them. Implementations must not throw, and may return themselves
 * where they keep nothing between start and end.
 */
export interface Telemetry {
  callStarted(call: Call, side: 'client' | 'server'): CallRecorder;
  /** Policies of this workload let an incoming call pass, or refused it. */
  policyDecided?(call: Call, decision: PolicyDecision): void;
}

export interface CallRecorder {
  /** Before an attempt is sent: the endpoint is known, and headers may still be written. */
  attemptStarted?(call: Call): AttemptRecorder | undefined;
  /** Server side: runs the handler inside the listener's own context, e.g. its active span. */
  run?<T>(handler: () => T): T;
  callEnded(call: Call, end: CallEnd): void;
}

export interface AttemptRecorder {
  attemptEnded(call: Call, end: CallEnd): void;
}
