import type { Call } from '../call.js';
import type { Clock } from '../clock.js';
import { MeshError } from '../errors.js';
import { send } from '../send.js';
import type { Filter, Reply } from '../service.js';
import type { AttemptRecorder, CallEnd, Telemetry } from '../telemetry.js';

/** Tells every listener of a call's start and end: its end is the end of the body, not of the headers. */
export function telemetryFilter(telemetry: readonly Telemetry[], clock: Clock, side: 'client' | 'server'): Filter {
  if (telemetry.length === 0) return (next) => next;
  return (next) => async (call) => {
    const recorders = telemetry.map((listener) => listener.callStarted(call, side));
    call.recorders = recorders;
    const ended = (reply: Reply | undefined, failure: MeshError | undefined) => {
      const end = callEnd(call, reply, failure, clock.now() - call.startedAt);
      for (const recorder of recorders) recorder.callEnded(call, end);
    };
    return observe(send(next, call), ended);
  };
}

/** The same for one attempt, inside the retry loop, once its endpoint is known. */
export function attemptTelemetryFilter(clock: Clock): Filter {
  return (next) => (call) => {
    const recorders = startAttempt(call);
    if (recorders === undefined) return next(call);
    const startedAt = clock.now();
    const ended = (reply: Reply | undefined, failure: MeshError | undefined) => {
      const end = callEnd(call, reply, failure, clock.now() - startedAt);
      for (const recorder of recorders) recorder.attemptEnded(call, end);
    };
    return observe(send(next, call), ended);
  };
}

function startAttempt(call: Call): AttemptRecorder[] | undefined {
  let attempts: AttemptRecorder[] | undefined;
  for (const recorder of call.recorders) {
    const attempt = recorder.attemptStarted?.(call);
    if (attempt === undefined) continue;
    if (attempts === undefined) attempts = [attempt];
    else attempts.push(attempt);
  }
  return attempts;
}

type Ended = (reply: Reply | undefined, failure: MeshError | undefined) => void;

function observe(outcome: Promise<Reply>, ended: Ended): Promise<Reply> {
  return outcome.then(
    (reply) => {
      reply.onFinish((failure) => ended(reply, failure));
      return reply;
    },
    (error) => {
      ended(undefined, MeshError.from(error));
      throw error;
    },
  );
}

function callEnd(call: Call, reply: Reply | undefined, failure: MeshError | undefined, durationMs: number): CallEnd {
  const error = failure ?? call.cancelled;
  return {
    httpStatus: reply?.httpStatus ?? (error?.reason === 'caller_cancelled' ? 0 : (error?.httpStatus ?? 0)),
    grpcStatus: reply === undefined ? error?.grpcStatus : reply.grpcStatus,
    error,
    flags: reply?.flags || undefined,
    durationMs,
  };
}
