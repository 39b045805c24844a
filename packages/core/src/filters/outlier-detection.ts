import type { Call } from '../call.js';
import type { Clock } from '../clock.js';
import type { ClusterHost } from '../cluster-view.js';
import { MeshError } from '../errors.js';
import type { OutlierDetector } from '../policy/outlier-detector.js';
import type { Filter, Reply, Service } from '../service.js';

/** Tells the cluster's outlier detection what came of an attempt, in the terms of Envoy's router. */
export function outlierDetectionFilter(clock: Clock): Filter {
  return (next) => (call) => {
    const detector = call.cluster!.state.outlierDetector;
    if (detector === undefined) return next(call);
    // Such an attempt is refused below, and the endpoint is not to blame.
    if (call.deadline !== Number.POSITIVE_INFINITY && call.deadline <= clock.now()) return next(call);
    return watchAttempt(next, call, detector);
  };
}

async function watchAttempt<C extends Call>(next: Service<C>, call: C, detector: OutlierDetector): Promise<Reply> {
  const { host } = call.endpoint!;
  try {
    const reply = await next(call);
    detector.onConnected(host);
    detector.onReply(host, reply.httpStatus);
    reply.onFinish((failure) => {
      if (failure !== undefined) tellBrokenBody(detector, host, failure);
    });
    return reply;
  } catch (error) {
    tellFailure(detector, host, MeshError.from(error));
    throw error;
  }
}

function tellFailure(detector: OutlierDetector, host: ClusterHost, failure: MeshError): void {
  const blamed = blames(failure);
  if (blamed === 'nobody') return;
  if (failure.maybeSent) detector.onConnected(host);
  if (blamed === 'time') detector.onTimeout(host);
  else detector.onConnectionFailure(host);
}

/** After the headers a deadline blames nobody, but silence in the middle of a body does (Envoy `per_try_idle_timeout`). */
function tellBrokenBody(detector: OutlierDetector, host: ClusterHost, failure: MeshError): void {
  if (failure.reason === 'upstream_per_try_timeout') detector.onTimeout(host);
  else if (blames(failure) === 'connection') detector.onConnectionFailure(host);
}

/**
 * A deadline counts as Envoy's global timeout does, whoever set it; that the caller went away does not. An overflow is the
 * cluster's and not the endpoint's (Envoy issue 25487), and what is wrong with the request is the caller's.
 */
function blames({ reason, maybeSent }: MeshError): 'connection' | 'time' | 'nobody' {
  switch (reason) {
    case 'upstream_connection_termination':
      // A connection that its server ends in peace refuses what comes too late (GOAWAY).
      return maybeSent ? 'connection' : 'nobody';
    case 'upstream_connection_failure':
    case 'upstream_reset':
    case 'upstream_protocol_error':
      return 'connection';
    case 'upstream_request_timeout':
    case 'upstream_per_try_timeout':
    case 'deadline_exceeded':
      return 'time';
    default:
      return 'nobody';
  }
}
