import type { FinishListener, MeshError, Reply } from '@inmesh/core';
import { httpStatusOfGrpc } from '../status-mapping.js';
import type { CallResponse } from './call-response.js';

const cancelled = 1;

/** What a handler answers, seen from outside. Its end is the call's, trailers included. */
export class ServerReply implements Reply {
  readonly flags = undefined;
  readonly #listeners: FinishListener[] = [];
  #end: { readonly failure: MeshError | undefined } | undefined = undefined;

  constructor(private readonly response: CallResponse) {}

  /** 200 where headers went out, as to a client; 0 where the client was gone before it saw anything. */
  get httpStatus(): number {
    const { headersSent, status } = this.response;
    if (headersSent) return 200;
    if (status !== undefined) return httpStatusOfGrpc(status);
    return this.#end === undefined ? 200 : 0;
  }

  get grpcStatus(): number | undefined {
    return this.response.status ?? this.#end?.failure?.grpcStatus;
  }

  /** What the handler sends is not kept. */
  header(): undefined {
    return undefined;
  }

  setHeader(name: string, value: string): void {
    this.response.addHeader(name, value);
  }

  appendHeader(name: string, value: string): void {
    this.response.addHeader(name, value);
  }

  removeHeader(): void {}

  onFinish(listener: FinishListener): void {
    if (this.#end === undefined) this.#listeners.push(listener);
    else listener(this.#end.failure);
  }

  /** The handler writes to the client itself. */
  deliver(): void {}

  discard(): void {
    this.response.sendStatus({ code: cancelled, details: 'the response is not wanted' });
  }

  finish(failure: MeshError | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = { failure };
    for (const listener of this.#listeners.splice(0)) listener(failure);
  }
}
