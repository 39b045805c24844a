import type { Metadata } from '@grpc/grpc-js';
import { type Authorize, type LocalResponse, MeshError, type PeerIdentity } from '@inmesh/core';
import { reasonHeader } from '../../server/answer-error.js';
import { runInside } from '../../server/handler-context.js';
import type { ServerCallBelow } from '../grpc-js.js';
import { httpStatusOfGrpc } from '../status-mapping.js';
import type { GrpcInbound } from './grpc-inbound.js';

/** What is known of a call before its handler runs. No message of it has been read. */
export interface IncomingGrpcCall {
  /** `/package.Service/Method`. */
  readonly path: string;
  /** As the handler will get it. */
  readonly metadata: Metadata;
  /** `host` or `host:port` as the client dialled it, lower-case. */
  readonly authority: string;
  /** The client's IP address; empty where unknown. */
  readonly sourceAddress: string;
  /** Whose certificate the mesh has verified, on a port of `mesh.grpc.bind`; undefined: plain text, or none was shown. */
  readonly peer: PeerIdentity | undefined;
  /** The client's certificate, where TLS is mutual and it was verified. */
  readonly authContext: ReturnType<ServerCallBelow['getAuthContext']>;
}

/** How a call is refused. */
export interface GrpcRefusal {
  /** A gRPC status from 1 to 16; anything else is PERMISSION_DENIED. */
  readonly code: number;
  readonly details: string;
}

/**
 * Undefined lets the call in, `{ code, details }` refuses it. Anything else, `true` and `null` among it, is a mistake: the call
 * ends with INTERNAL, and the log says what to return. It runs as part of the call, so what it asks of others has the call's deadline and trace. What
 * it throws, or rejects with, refuses the call: a MeshError with its own status, anything else with INTERNAL «internal
 * error» and a line in the log.
 */
export type GrpcAuthorize = (call: IncomingGrpcCall) => GrpcRefusal | undefined | Promise<GrpcRefusal | undefined>;

const permissionDenied = 7;
const lastStatus = 16;

export function checkedBy(authorize: GrpcAuthorize): Authorize<GrpcInbound> {
  return (call) => {
    const { path, metadata, authority, sourceAddress, below } = call;
    const peer = call.connection?.peer;
    const incoming = { path, metadata, authority, sourceAddress, peer, authContext: below.getAuthContext() };
    const verdict = runInside(call, () => authorize(incoming));
    // Promises of other libraries and realms are promises, too.
    return isThenable(verdict) ? Promise.resolve(verdict).then(toResponse) : toResponse(verdict);
  };
}

function isThenable(verdict: ReturnType<GrpcAuthorize>): verdict is Promise<GrpcRefusal | undefined> {
  return typeof (verdict as { then?: unknown } | undefined)?.then === 'function';
}

function toResponse(refusal: GrpcRefusal | undefined): LocalResponse | undefined {
  if (refusal === undefined) return undefined;
  if (!isRefusal(refusal)) throw noVerdict(refusal);
  const { code, details } = refusal;
  const grpcStatus = Number.isInteger(code) && code >= 1 && code <= lastStatus ? code : permissionDenied;
  return {
    httpStatus: httpStatusOfGrpc(grpcStatus),
    grpcStatus,
    headers: [reasonHeader, 'unauthorized'],
    body: details,
    flags: 'UAEX',
  };
}

function isRefusal(verdict: unknown): verdict is GrpcRefusal {
  const { code, details } = (verdict ?? {}) as Partial<GrpcRefusal>;
  return typeof code === 'number' && typeof details === 'string';
}

/** Names no more than a kind: what it is may be secret. */
function noVerdict(verdict: unknown): MeshError {
  const isPlain = verdict === null || typeof verdict === 'boolean';
  const what = isPlain ? String(verdict) : `a value of type ${typeof verdict}`;
  return new MeshError('internal', {
    message: `authorize returned ${what}: return undefined to let a call in, { code, details } to refuse it`,
  });
}
