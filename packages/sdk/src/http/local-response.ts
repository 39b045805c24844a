import type { HeaderList } from '@inmesh/core';
import { toCallerError } from './failure.js';
import type { HttpCall } from './http-call.js';

/** Statuses whose responses have no body. */
const bodiless: ReadonlySet<number> = new Set([204, 304]);

/**
 * Hands an answer of the mesh itself to the caller's handler, as if it had come over a connection: to a HEAD request only
 * the length of its body.
 */
export function writeLocalResponse(call: HttpCall, status: number, headers: HeaderList, body: string): void {
  const payload = Buffer.from(bodiless.has(status) ? '' : body);
  if (!bodiless.has(status) && !headers.has('content-length')) headers.set('content-length', String(payload.length));
  new LocalDelivery(call, call.method === 'HEAD' ? Buffer.alloc(0) : payload).start(status, headers);
}

/** The caller may pause it, go away, or throw, as with a response of an upstream. */
class LocalDelivery {
  #ended = false;

  constructor(
    private readonly call: HttpCall,
    private readonly payload: Buffer,
  ) {}

  start(status: number, { flat }: HeaderList): void {
    const { call } = this;
    call.interrupt = (reason) => this.#end(() => call.handler.onError(toCallerError(reason)));
    const raw = flat.map((text) => Buffer.from(text, 'latin1'));
    try {
      if (call.handler.onHeaders(status, raw, () => this.#writeBody(), '') !== false) this.#writeBody();
    } catch (error) {
      this.#fail(error);
    }
  }

  #writeBody(): void {
    this.#end(() => {
      try {
        if (this.payload.length > 0) this.call.handler.onData(this.payload);
        this.call.handler.onComplete([]);
      } catch (error) {
        this.call.handler.onError(error as Error);
      }
    });
  }

  #fail(error: unknown): void {
    this.#end(() => this.call.handler.onError(error as Error));
  }

  #end(tell: () => void): void {
    if (this.#ended) return;
    this.#ended = true;
    this.call.interrupt = undefined;
    tell();
  }
}
