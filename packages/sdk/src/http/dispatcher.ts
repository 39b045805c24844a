import { stringify } from 'node:querystring';
import { MeshError, type Reply, type Service, send } from '@inmesh/core';
import { Dispatcher } from 'undici';
import type { MeshInternals, Prepare } from '../mesh-internals.js';
import { explainHangUp } from '../plaintext-hint.js';
import { inboundCalls } from '../server/context.js';
import type { InboundCall } from '../server/inbound-call.js';
import { explainMissing, inherit, whileServing } from '../server/inherit.js';
import { routedAuthority } from '../server/routed-authority.js';
import { toCallerError } from './failure.js';
import { HttpCall } from './http-call.js';
import { parseOrigin } from './origin.js';
import { requestBody } from './request-body.js';
import { type RequestHeaders, toHeaderList } from './request-headers.js';
import { type ResponseHandler, toResponseHandler } from './response-handler.js';

/** The mesh as an undici Dispatcher: `request`, `stream`, `pipeline`, `upgrade` and fetch's `dispatcher` option go through it. */
export class MeshDispatcher extends Dispatcher {
  constructor(
    private readonly internals: MeshInternals,
    private readonly outbound: Service<HttpCall>,
    private readonly prepare: Prepare,
    private readonly closeMesh: () => Promise<void>,
    private readonly destroyMesh: () => Promise<void> = closeMesh,
  ) {
    super();
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const responseHandler = toResponseHandler(handler);
    let preparing: Promise<void> | undefined;
    const inbound = inboundCalls.getStore();
    try {
      const { scheme, authority } = parseOrigin(options.origin);
      preparing = this.prepare(scheme, authority);
      if (preparing === undefined) this.#start(options, responseHandler, inbound);
    } catch (error) {
      refuse(responseHandler, error);
      return true;
    }
    if (preparing === undefined) return true;
    const prepared = inbound === undefined ? preparing : whileServing(inbound, preparing);
    prepared
      .then(() => this.#start(options, responseHandler, inbound))
      .catch((error) => refuse(responseHandler, error));
    return true;
  }

  override close(): Promise<void>;
  override close(callback: () => void): void;
  override close(callback?: () => void): Promise<void> | void {
    return settle(this.closeMesh(), callback);
  }

  override destroy(): Promise<void>;
  override destroy(error: Error | null): Promise<void>;
  override destroy(callback: () => void): void;
  override destroy(error: Error | null, callback: () => void): void;
  override destroy(first?: Error | null | (() => void), second?: () => void): Promise<void> | void {
    const callback = typeof first === 'function' ? first : second;
    return settle(this.destroyMesh(), callback ?? undefined);
  }

  #start(options: Dispatcher.DispatchOptions, handler: ResponseHandler, inbound: InboundCall | undefined): void {
    const call = this.#newCall(options, handler);
    handler.onConnect((reason) => call.cancel(callerCancelled(reason)), null);
    if (inbound !== undefined) inherit(call, inbound, this.internals);
    send(this.outbound, call)
      .then(
        (reply) => deliver(reply, call, inbound),
        (error) => {
          const failure = MeshError.from(error);
          call.currentAttempt?.abandon(failure);
          if (call.retriesSpent) inbound?.spendRetries();
          inbound?.release(call);
          call.bodyTap?.abandon();
          explainHangUp(failure, call, this.internals);
          handler.onError(toCallerError(explainMissing(failure, this.internals)));
        },
      )
      .catch((error) => this.internals.logger.error('a response handler threw', { error: String(error) }));
  }

  #newCall(options: Dispatcher.DispatchOptions, handler: ResponseHandler): HttpCall {
    const origin = parseOrigin(options.origin);
    const snapshot = this.internals.snapshots.current;
    const headers = toHeaderList(options.headers as RequestHeaders);
    const host = headers.get('host');
    if (host === undefined) headers.append('host', origin.authority);
    const call = new HttpCall({
      scheme: origin.scheme,
      authority: host === undefined ? origin.authority : routedAuthority(snapshot, origin, host.toLowerCase()),
      method: options.method,
      path: pathWithQuery(options),
      headers,
      snapshot,
      startedAt: this.internals.clock.now(),
      options,
      body: requestBody(options.body),
      handler,
    });
    call.sourceAddress = this.internals.workload.podIp;
    return call;
  }
}

function deliver(reply: Reply, call: HttpCall, inbound: InboundCall | undefined): void {
  if (call.retriesSpent) inbound?.spendRetries();
  if (inbound !== undefined) reply.onFinish(() => inbound.release(call));
  if (call.bodyTap !== undefined) reply.onFinish(() => call.bodyTap?.abandon());
  reply.deliver();
}

function settle(done: Promise<void>, callback: (() => void) | undefined): Promise<void> | void {
  if (callback === undefined) return done;
  done.then(callback, callback);
}

/** Written as undici writes it. */
function pathWithQuery({ path, query }: Dispatcher.DispatchOptions): string {
  if (query === undefined || query === null) return path;
  const text = stringify(query);
  return text === '' ? path : `${path}?${text}`;
}

function refuse(handler: ResponseHandler, error: unknown): void {
  handler.onError(error instanceof Error ? error : MeshError.from(error));
}

function callerCancelled(reason: Error | undefined): MeshError {
  return new MeshError('caller_cancelled', { message: 'the caller cancelled the request', cause: reason });
}
