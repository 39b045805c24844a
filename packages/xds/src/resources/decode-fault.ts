import type { FaultPolicy } from '@inmesh/core';
import type { FaultAbort, FaultDelay, FractionalPercent, HTTPFault } from '../messages.js';
import { decodeHeaderMatcher } from './decode-header-matcher.js';
import { decodePositiveDuration } from './durations.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';
import { httpStatusOfGrpc } from './grpc-status.js';
import { decodeFraction } from './percents.js';

/** Envoy `HTTPFault`. Undefined when it does nothing: istiod puts an empty one into every listener. */
export function decodeFault(message: HTTPFault, at: FieldScope): FaultPolicy | undefined {
  reportUnsupported(message, at);
  const delay = message.delay && decodeDelay(message.delay, at.field('delay'));
  const abort = message.abort && decodeAbort(message.abort, at.field('abort'));
  const headers = at.each('headers', message.headers, decodeHeaderMatcher);
  // What is meant for some calls must not hit the others; the warning says so.
  if (message.upstreamCluster !== '' || message.downstreamNodes.length > 0) return undefined;
  if (delay === undefined && abort === undefined) return undefined;
  return { delay, abort, headers, maxActive: message.maxActiveFaults ?? Number.POSITIVE_INFINITY };
}

function decodeDelay(message: FaultDelay, at: FieldScope): FaultPolicy['delay'] {
  reportUnsupported(message, at);
  const { faultDelaySecifier: specifier, percentage } = message;
  if (specifier.case === undefined) return at.field('fixed_delay').error('is missing');
  if (specifier.case === 'headerDelay') return undefined;
  const fixedMs = decodePositiveDuration(specifier.value, 0, at.field('fixed_delay'));
  return { fixedMs, perMillion: decodeShare(percentage, at) };
}

function decodeAbort(message: FaultAbort, at: FieldScope): FaultPolicy['abort'] {
  reportUnsupported(message, at);
  const { errorType, percentage } = message;
  const perMillion = decodeShare(percentage, at);
  switch (errorType.case) {
    case 'httpStatus':
      if (errorType.value < 200 || errorType.value > 599) {
        at.field('http_status').error(`${errorType.value} is not between 200 and 599`);
      }
      return { httpStatus: errorType.value, grpcStatus: undefined, perMillion };
    case 'grpcStatus':
      return { httpStatus: httpStatusOfGrpc(errorType.value), grpcStatus: errorType.value, perMillion };
    case 'headerAbort':
      return undefined;
    case undefined:
      return at.field('error_type').error('is missing: an http_status or a grpc_status is needed');
  }
}

/** No percentage is none of the requests (Envoy fault_filter.cc). */
function decodeShare(percentage: FractionalPercent | undefined, at: FieldScope): number {
  return percentage === undefined ? 0 : decodeFraction(percentage, at.field('percentage'));
}
