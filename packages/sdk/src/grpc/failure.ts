import type { Metadata, StatusObject } from '@grpc/grpc-js';
import { type Call, deadlineExceeded, MeshError, type MeshErrorReason } from '@inmesh/core';
import { connectionHint } from '../connection-hint.js';
import { firstValue } from './metadata.js';

/** A response has headers of its own, a status that grpc-js made by itself has none. */
export function isFromUpstream({ metadata }: { readonly metadata: Metadata }): boolean {
  return firstValue(metadata, 'content-type') !== undefined;
}

/** Of a `grpc-status` that is no number grpc-js makes NaN, and of a message that cannot be decompressed no code at all. */
export function readable(status: StatusObject): StatusObject {
  if (status.code >= 0) return status;
  const isMalformed = Number.isNaN(status.code);
  const details = isMalformed ? 'malformed grpc-status' : 'a message could not be decompressed';
  return { code: isMalformed ? 2 : 13, details: status.details || details, metadata: status.metadata };
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

/**
 * What a status that grpc-js made by itself means to the mesh. grpc-js tells causes apart by their text alone.
 * @param isConnectionUp whether the connection takes other calls
 */
export function toFailure({ code, details }: StatusObject, call: Call, isConnectionUp: boolean): MeshError {
  // grpc-js's own timer may be the first by a moment.
  if (code === 4) return deadlineExceeded(call);
  const { reason, maybeSent } = meaningOf(code, details, isConnectionUp);
  return new MeshError(reason, { message: details.trim(), maybeSent, grpcStatus: code, hint: connectionHint(details) });
}

function meaningOf(code: number, details: string, isConnectionUp: boolean): Meaning {
  if (details.startsWith('Getting metadata from plugin')) return { reason: 'invalid_request', maybeSent: false };
  switch (code) {
    case 14:
      return unavailable(details, isConnectionUp);
    case 13:
      if (details.startsWith('Failed to start HTTP/2 stream'))
        // What is wrong with the caller's own metadata every endpoint would refuse.
        return { reason: /header/i.test(details) ? 'invalid_request' : refusedBy(isConnectionUp), maybeSent: false };
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

function unavailable(details: string, isConnectionUp: boolean): Meaning {
  if (details.startsWith('No connection established') || details.startsWith('Channel closed'))
    return { reason: 'upstream_connection_failure', maybeSent: false };
  if (details.startsWith('Stream refused')) return { reason: refusedBy(isConnectionUp), maybeSent: false };
  return { reason: 'upstream_connection_termination', maybeSent: true };
}

/** An upstream that has too much, or a connection at its end (GOAWAY). */
function refusedBy(isConnectionUp: boolean): MeshErrorReason {
  return isConnectionUp ? 'upstream_reset' : 'upstream_connection_termination';
}
