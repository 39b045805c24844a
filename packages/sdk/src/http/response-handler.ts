import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import { type Dispatcher, util } from 'undici';

/**
 * undici's older handler shape. undici 7 works in it inside, `request()` and Node's own fetch hand it in, so it is the one
 * that reaches the wire without a wrapper.
 */
export interface ResponseHandler {
  onConnect(abort: (reason?: Error) => void, context?: unknown): void;
  onHeaders(status: number, headers: Buffer[], resume: () => void, statusText: string): boolean | undefined;
  onData(chunk: Buffer): boolean | undefined;
  onComplete(trailers: Buffer[] | null): void;
  onError(error: Error): void;
  onUpgrade?(status: number, headers: Buffer[] | null, socket: Duplex): void;
  onBodySent?(chunk: unknown, total?: number): void;
  onRequestSent?(): void;
  onResponseStarted?(): void;
}

/** Takes both shapes of handlers; the newer one is wrapped. */
export function toResponseHandler(handler: Dispatcher.DispatchHandler): ResponseHandler {
  if (typeof handler !== 'object' || handler === null) throw new TypeError('handler must be an object');
  return typeof handler.onRequestStart === 'function'
    ? new ControllerHandler(handler)
    : (handler as unknown as ResponseHandler);
}

class Controller {
  paused = false;
  aborted = false;
  reason: Error | null = null;
  rawHeaders: Buffer[] | null = null;
  rawTrailers: Buffer[] | null = null;
  resumeSource: (() => void) | undefined;

  constructor(private readonly abortSource: (reason?: Error) => void) {}

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.resumeSource?.();
  }

  abort(reason: Error): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    this.abortSource(reason);
  }
}

/** Speaks the older shape outwards and the newer one (`onRequestStart`, ...) to the caller. */
class ControllerHandler implements ResponseHandler {
  #controller: Controller | undefined;

  constructor(private readonly handler: Dispatcher.DispatchHandler) {}

  get #seenController(): Dispatcher.DispatchController {
    this.#controller ??= new Controller(() => {});
    return this.#controller as unknown as Dispatcher.DispatchController;
  }

  onConnect(abort: (reason?: Error) => void, context: unknown): void {
    this.#controller = new Controller(abort);
    this.handler.onRequestStart?.(this.#seenController, context);
  }

  onHeaders(status: number, headers: Buffer[], resume: () => void, statusText: string): boolean {
    const controller = this.#controller!;
    controller.resumeSource = resume;
    controller.rawHeaders = headers;
    this.handler.onResponseStart?.(this.#seenController, status, parse(headers), statusText);
    return !controller.paused;
  }

  onData(chunk: Buffer): boolean {
    this.handler.onResponseData?.(this.#seenController, chunk);
    return !this.#controller!.paused;
  }

  onComplete(trailers: Buffer[] | null): void {
    this.#controller!.rawTrailers = trailers;
    this.handler.onResponseEnd?.(this.#seenController, parse(trailers ?? []));
  }

  onError(error: Error): void {
    this.handler.onResponseError?.(this.#seenController, error);
  }

  onUpgrade(status: number, headers: Buffer[] | null, socket: Duplex): void {
    this.handler.onRequestUpgrade?.(this.#seenController, status, parse(headers ?? []), socket);
  }
}

function parse(headers: Buffer[]): IncomingHttpHeaders {
  return util.parseHeaders(headers) as IncomingHttpHeaders;
}
