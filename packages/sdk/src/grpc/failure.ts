import type { Metadata, StatusObject } from '@grpc/grpc-js';
import { type Call, deadlineExceeded, MeshError, type MeshErrorReason } from '@inmesh/core';
import { firstValue } from './metadata.js';

/** A response has headers of its own, a status that grpc-js made by itself has none. */
export function isFromUpstream({ metadata }: { readonly metadata: Metadata }): boolean {
  return firstValue(metadata, 'content-type') !== undefined;
}

const ownTexts: Readonly<Record<number, RegExp>> = {
  1: /^Call cancelled$/,
  4: /^Deadline exceeded after /,
  8: /^(?:Bandwidth exhausted|Received message larger than max)/,
  13: /^Received RST_STREAM /,
  14: /^(?:Connection dropped|Stream refused by server)|ECONNRESET|ETIMEDOUT/,
};

/** The same of the end of a response whose headers have come: trailers need not hold anything but the status. */
export function isMadeHere({ code, details, metadata }: StatusObject): boolean {
  return ownTexts[code]?.test(details) === true && Object.keys(metadata.getMap()).length === 0;
}

interface Meaning {
  readonly reason: MeshErrorReason;
  readonly maybeSent: boolean;
}

/** What a status that grpc-js made by itself means to the mesh. grpc-js tells causes apart by their text alone. */
export function toFailure({ code, details }: StatusObject, call: Call): MeshError {
  // grpc-js's own timer may be the first by a moment.
  if (code === 4) return deadlineExceeded(call);
  const { reason, maybeSent } = meaningOf(code, details);
  return new MeshError(reason, { message: details, maybeSent, grpcStatus: code, hint: hintFor(details) });
}

function meaningOf(code: number, details: string): Meaning {
  if (details.startsWith('Getting metadata from plugin')) return { reason: 'invalid_request', maybeSent: false };
  switch (code) {
    case 14:
      return unavailable(details);
    case 13:
      if (details.startsWith('Failed to start HTTP/2 stream')) return { reason: 'upstream_reset', maybeSent: false };
      if (details.startsWith('Received RST_STREAM')) return { reason: 'upstream_reset', maybeSent: true };
      return { reason: 'invalid_request', maybeSent: true };
    case 1:
    case 7:
      return { reason: 'upstream_reset', maybeSent: true };
    case 8:
      if (details.startsWith('Bandwidth exhausted')) return { reason: 'upstream_reset', maybeSent: true };
      return { reason: 'invalid_request', maybeSent: true };
    case 12:
      return { reason: 'invalid_request', maybeSent: true };
    default:
      return { reason: 'upstream_protocol_error', maybeSent: true };
  }
}

function unavailable(details: string): Meaning {
  if (details.startsWith('No connection established') || details.startsWith('Channel closed'))
    return { reason: 'upstream_connection_failure', maybeSent: false };
  if (details.startsWith('Stream refused')) return { reason: 'upstream_reset', maybeSent: false };
  return { reason: 'upstream_connection_termination', maybeSent: true };
}

function hintFor(details: string): string | undefined {
  if (details.includes('ECONNREFUSED'))
    return 'nothing listens at that address: the process may be down, or targetPort wrong';
  return undefined;
}

/** A stream that the upstream refused, or that could not be opened: it was never acted on (gRFC A6, transparent retry). */
export function isRefusedStream({ reason, maybeSent }: MeshError): boolean {
  return reason === 'upstream_reset' && !maybeSent;
}
