import { create } from '@bufbuild/protobuf';
import { type HTTPFault, HTTPFaultSchema } from '@inmesh/xds/messages';
import { parseGoDuration } from '../durations.js';
import type { Place } from '../place.js';
import { grpcStatusNames } from '../schema/grpc-status.js';
import type { Fault } from '../schema/virtual-service.js';
import { fractionOf } from './percents.js';
import { durationOf } from './retry-policies.js';

type Delay = NonNullable<Fault['delay']>;
type Abort = NonNullable<Fault['abort']>;
type Status = { readonly case: 'httpStatus' | 'grpcStatus'; readonly value: number };

/** Undefined where nothing is injected (Istio `TranslateFault`). */
export function buildFault({ delay, abort }: Fault, place: Place): HTTPFault | undefined {
  if (delay === undefined && abort === undefined) place.warn('has neither delay nor abort: nothing is injected');
  const parts = {
    ...(delay !== undefined && { delay: delayOf(delay, place.at('delay')) }),
    ...(abort !== undefined && { abort: abortOf(abort, place.at('abort')) }),
  };
  return parts.delay === undefined && parts.abort === undefined ? undefined : create(HTTPFaultSchema, parts);
}

/** Answers every request with this status. */
export function buildAbort(errorType: Status): HTTPFault {
  return create(HTTPFaultSchema, { abort: { errorType, percentage: fractionOf(100) } });
}

/** As gRPC itself fails a call whose route it cannot follow (gRFC A28). */
export const unavailable: HTTPFault = buildAbort({ case: 'grpcStatus', value: grpcStatusNames.indexOf('UNAVAILABLE') });

function delayOf({ fixedDelay, percentage, percent = 0 }: Delay, place: Place) {
  const duration = durationOf(parseGoDuration(fixedDelay ?? ''));
  if (duration === undefined) place.warn('has no fixedDelay: nothing is delayed');
  // Envoy refuses a delay of zero.
  if (duration === undefined || (duration.seconds === 0n && duration.nanos === 0)) return undefined;
  return {
    faultDelaySecifier: { case: 'fixedDelay' as const, value: duration },
    percentage: fractionOf(shareOf(percentage?.value ?? percent, 'delayed', place)),
  };
}

function abortOf({ httpStatus, grpcStatus, percentage }: Abort, place: Place) {
  const errorType = errorTypeOf(httpStatus, grpcStatus);
  if (errorType === undefined) {
    place.warn('has neither httpStatus nor grpcStatus: nothing is aborted');
    return undefined;
  }
  return { errorType, percentage: fractionOf(shareOf(percentage?.value ?? 0, 'aborted', place)) };
}

function errorTypeOf(httpStatus: number | undefined, grpcStatus: Abort['grpcStatus']): Status | undefined {
  if (httpStatus !== undefined) return { case: 'httpStatus', value: httpStatus };
  if (grpcStatus === undefined) return undefined;
  return { case: 'grpcStatus', value: grpcStatusNames.indexOf(grpcStatus) };
}

/** Istio has no default but none at all, which is seldom what is meant. */
function shareOf(percent: number, effect: string, place: Place): number {
  if (percent === 0)
    place.warn(`has no percentage above zero: no request is ${effect}`, 'add percentage: { value: 100 }');
  return percent;
}
