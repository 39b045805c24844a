import type { ServerResponse } from 'node:http';
import { type FinishListener, MeshError, type Reply } from '@inmesh/core';
import { onClosed } from './client-gone.js';
import type { InboundRequest } from './inbound-request.js';

/** What a handler answers, seen from outside. Its end is the end of the response, or of the connection before it. */
export class ResponseReply implements Reply {
  readonly grpcStatus = undefined;
  readonly flags = undefined;
  readonly #res: ServerResponse;
  readonly #listeners: FinishListener[] = [];
  #end: { readonly failure: MeshError | undefined } | undefined = undefined;

  constructor(call: InboundRequest) {
    const { req, res } = call;
    this.#res = res;
    if (res.closed) {
      this.#finish(call, unlessEnded(res));
      return;
    }
    const finished = () => settle(unlessEnded(res));
    const stopListening = onClosed(req, res, () => settle(brokenOff(res)));
    const settle = (failure: MeshError | undefined) => {
      res.off('finish', finished);
      stopListening();
      this.#finish(call, failure);
    };
    res.on('finish', finished);
  }

  /** 0 where the client was gone before it saw a status. */
  get httpStatus(): number {
    const unseen = this.#end?.failure !== undefined && !this.#res.headersSent;
    return unseen ? 0 : this.#res.statusCode;
  }

  header(name: string): string | undefined {
    const value = this.#res.getHeader(name);
    const first = Array.isArray(value) ? value[0] : value;
    return first === undefined ? undefined : String(first);
  }

  setHeader(name: string, value: string): void {
    if (!this.#res.headersSent) this.#res.setHeader(name, value);
  }

  appendHeader(name: string, value: string): void {
    if (!this.#res.headersSent) this.#res.appendHeader(name, value);
  }

  removeHeader(name: string): void {
    if (!this.#res.headersSent) this.#res.removeHeader(name);
  }

  onFinish(listener: FinishListener): void {
    if (this.#end === undefined) this.#listeners.push(listener);
    else listener(this.#end.failure);
  }

  /** The handler writes to the client itself. */
  deliver(): void {}

  discard(): void {
    this.#res.destroy();
  }

  #finish(call: InboundRequest, failure: MeshError | undefined): void {
    this.#end = { failure };
    if (failure !== undefined) call.cancel(failure);
    for (const listener of this.#listeners.splice(0)) listener(failure);
  }
}

/** HTTP/2 says «finish» of a stream that the client has reset, too. */
function unlessEnded(res: ServerResponse): MeshError | undefined {
  return res.writableEnded ? undefined : brokenOff(res);
}

/** A response that was destroyed with an error is this side's doing; any other early end is the client's. */
function brokenOff({ errored }: ServerResponse): MeshError {
  if (errored) return MeshError.from(errored);
  return new MeshError('caller_cancelled', { message: 'the client went away before it was answered' });
}
