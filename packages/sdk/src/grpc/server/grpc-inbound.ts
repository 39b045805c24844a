import type { Metadata } from '@grpc/grpc-js';
import {
  canonicalAuthority,
  type InboundConnection,
  LocalReply,
  type LocalResponse,
  type MeshError,
  type Reply,
  retryHeaders,
} from '@inmesh/core';
import type { MeshInternals } from '../../mesh-internals.js';
import { removeForgedMetadata } from '../../server/forwarded-client-cert.js';
import { InboundCall } from '../../server/inbound-call.js';
import { describe, verifiedByItsEnds } from '../../server/inbound-connection.js';
import { incomingDeadline } from '../../server/incoming-deadline.js';
import { grpcStatusOf } from '../../server/local-response.js';
import { isPartOfRetry } from '../../server/part-of-retry.js';
import type { GrpcJs, ServerCallBelow } from '../grpc-js.js';
import { addHeader, toHeaderList } from '../metadata.js';
import { statusOf } from '../status.js';
import type { CallResponse } from './call-response.js';

/** Headers that say what a body is; a status has none. */
const headersOfBody = new Set(['content-type', 'content-length']);

/** An incoming call of a grpc-js server, of any kind. */
export class GrpcInbound extends InboundCall {
  /** For telemetry: the path is that of a method of this server, as others never come here. */
  readonly isOwnMethod = true;
  /** As it came, and as the handler gets it. */
  readonly metadata: Metadata;
  readonly below: ServerCallBelow;
  /** Starts the handler. */
  readonly serve: (call: GrpcInbound) => Reply;
  readonly #grpc: GrpcJs;
  readonly #response: CallResponse;

  constructor(
    { clock, snapshots, trustForwardedClientCert }: MeshInternals,
    init: {
      readonly grpc: GrpcJs;
      /** `/package.Service/Method`. */
      readonly path: string;
      readonly metadata: Metadata;
      readonly below: ServerCallBelow;
      readonly response: CallResponse;
      readonly serve: (call: GrpcInbound) => Reply;
    },
  ) {
    const { below, metadata, path } = init;
    removeForgedMetadata(metadata, verifiedByItsEnds(below.getConnectionInfo()), trustForwardedClientCert);
    const host = below.getHost();
    super({
      protocol: 'grpc',
      // grpc-js tells of TLS only where the client has shown a certificate.
      scheme: below.getAuthContext().transportSecurityType === undefined ? 'http' : 'https',
      ...{ authority: canonicalAuthority(host), path, method: 'POST' },
      headers: toHeaderList(metadata, host),
      snapshot: snapshots.current,
      startedAt: clock.now(),
    });
    this.#grpc = init.grpc;
    this.#response = init.response;
    this.metadata = metadata;
    this.below = below;
    this.serve = init.serve;
    this.deadline = Math.min(deadlineBelow(below, this.startedAt), incomingDeadline(this.headers, this.startedAt));
    this.retriesElsewhere = isPartOfRetry(this.headers);
    this.sourceAddress = below.getConnectionInfo().remoteAddress ?? '';
    this.connection = verifiedByItsEnds(below.getConnectionInfo());
    if (this.snapshot.inbound !== undefined) this.connection ??= this.#plainConnection();
  }

  override rewriteHeader(name: string, value: string | undefined): void {
    super.rewriteHeader(name, value);
    this.metadata.remove(name);
    if (value !== undefined) addHeader(this.metadata, name, value);
  }

  /** At once: when the handler answers, its status may go out before anyone can add to it. */
  override spendRetries(): void {
    if (this.retriesSpent) return;
    super.spendRetries();
    this.#response.addHeader(retryHeaders.noRetry, '1');
  }

  override presetResponseHeader(name: string, value: string): void {
    this.#response.addHeader(name, value);
  }

  /** TLS of grpc-js's own counts as plain text, as does that of other servers. */
  #plainConnection(): InboundConnection {
    return describe(this.below.getConnectionInfo(), { isTls: false, peer: undefined, serverName: '' });
  }

  /** A status and nothing else, as gRPC's trailers-only responses are. */
  override respond(response: LocalResponse): Reply {
    const grpcStatus = response.grpcStatus ?? grpcStatusOf(response.httpStatus);
    return new LocalReply({ ...response, grpcStatus }, (_status, { flat }, details) => {
      const metadata = new this.#grpc.Metadata();
      for (let i = 0; i < flat.length; i += 2) {
        if (!headersOfBody.has(flat[i]!)) addHeader(metadata, flat[i]!, flat[i + 1]!);
      }
      this.#response.sendStatus({ code: grpcStatus, details, metadata });
    });
  }

  /** The client is told, too: it may wait for a handler that waits for nothing which ends by itself. */
  override cancel(reason: MeshError): void {
    if (this.cancelled !== undefined) return;
    super.cancel(reason);
    this.#response.sendStatus(statusOf(reason, this.#grpc));
  }
}

/** grpc-js counts by the time of day, and keeps the `grpc-timeout` header to itself. */
function deadlineBelow(below: ServerCallBelow, now: number): number {
  const deadline = below.getDeadline();
  const ms = deadline instanceof Date ? deadline.getTime() : deadline;
  return ms === Number.POSITIVE_INFINITY ? ms : now + (ms - Date.now());
}
