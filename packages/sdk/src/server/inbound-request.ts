import type { IncomingMessage, ServerResponse } from 'node:http';
import { canonicalAuthority, HeaderList, LocalReply, type LocalResponse, type Reply, retryHeaders } from '@inmesh/core';
import type { MeshInternals } from '../mesh-internals.js';
import { InboundCall } from './inbound-call.js';
import { connectionOf, verifiedConnection } from './inbound-connection.js';
import { incomingDeadline } from './incoming-deadline.js';
import { grpcStatusOf, writeGrpcResponse, writeLocalResponse } from './local-response.js';
import { isPartOfRetry } from './part-of-retry.js';
import { pathOf, type RoutedMessage, rewriteTarget } from './request-target.js';
import { showHeader } from './request-view.js';

/** What an adapter does with a request. Both answer it, now or later. */
export interface RequestHandler {
  run(): void;
  /** The route was chosen before, so that another path would come too late. */
  readonly isRouted?: boolean;
  /** Told of what `run` threw, and of the reason for which the mesh refused to run it. */
  fail(error: unknown): void;
}

/** An incoming HTTP request: what Node was given, and who answers it. */
export class InboundRequest extends InboundCall {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly handler: RequestHandler;

  constructor({ clock, snapshots }: MeshInternals, req: IncomingMessage, res: ServerResponse, handler: RequestHandler) {
    super({
      protocol: req.headers['content-type']?.startsWith('application/grpc') ? 'grpc' : 'http',
      scheme: (req.socket as { encrypted?: boolean } | undefined)?.encrypted === true ? 'https' : 'http',
      authority: authorityOf(req),
      method: req.method ?? 'GET',
      path: pathOf(req),
      headers: headersOf(req),
      snapshot: snapshots.current,
      startedAt: clock.now(),
    });
    this.deadline = incomingDeadline(this.headers, this.startedAt);
    this.req = req;
    this.res = res;
    this.handler = handler;
    this.retriesElsewhere = isPartOfRetry(this.headers);
    this.connection = this.snapshot.inbound === undefined ? verifiedConnection(req.socket) : connectionOf(req.socket);
    this.sourceAddress = req.socket.remoteAddress ?? this.connection?.remoteAddress ?? '';
  }

  /** Express may have chosen a part of the path already, to mount something there, or a route. */
  get isRouted(): boolean {
    const { baseUrl = '', route } = this.req as RoutedMessage;
    return this.handler.isRouted === true || baseUrl !== '' || route !== undefined;
  }

  override rewriteHeader(name: string, value: string | undefined): void {
    super.rewriteHeader(name, value);
    showHeader(this.req, name, value);
  }

  override rewritePath(path: string): void {
    super.rewritePath(path);
    rewriteTarget(this.req, path);
  }

  /** At once: when the handler answers, its headers may go out before anyone can add to them. */
  override spendRetries(): void {
    if (this.retriesSpent) return;
    super.spendRetries();
    if (!this.res.headersSent) this.res.setHeader(retryHeaders.noRetry, '1');
  }

  override presetResponseHeader(name: string, value: string): void {
    if (!this.res.headersSent) this.res.setHeader(name, value);
  }

  override respond(response: LocalResponse): Reply {
    const { res } = this;
    if (this.protocol === 'grpc') {
      const status = response.grpcStatus ?? grpcStatusOf(response.httpStatus);
      return new LocalReply({ ...response, grpcStatus: status }, (_status, headers, body) =>
        writeGrpcResponse(res, status, headers, body),
      );
    }
    return new LocalReply(response, (status, headers, body) => writeLocalResponse(res, status, headers, body));
  }
}

function authorityOf({ headers }: IncomingMessage): string {
  const authority = headers[':authority'] ?? headers.host ?? '';
  return canonicalAuthority(String(authority));
}

function headersOf({ rawHeaders }: IncomingMessage): HeaderList {
  const flat: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase();
    if (!name.startsWith(':')) flat.push(name, rawHeaders[i + 1]!);
  }
  return new HeaderList(flat);
}
