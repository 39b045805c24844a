import { type Clock, type FinishListener, MeshError, type Reply, type Timer } from '@inmesh/core';
import { toCallerError, toFailure } from './failure.js';
import type { HttpCall } from './http-call.js';
import type { ResponseHandler } from './response-handler.js';

/** How much of a body is taken while the filters decide; past it the connection is paused. */
const maxHeldBytes = 64 * 1024;
/** How much of a discarded body is read to keep its connection; a longer one costs the connection. */
const maxDrainedBytes = 64 * 1024;
/** How long the rest of a discarded body is waited for: meanwhile it counts against the limits of the cluster. */
const maxDrainMs = 250;

type State =
  /** Waits for a connection: nothing has been sent. */
  | 'connecting'
  /** The request may be on the wire. */
  | 'sent'
  /** Headers have come; the filters decide. */
  | 'held'
  | 'delivering'
  | 'discarded'
  /** Over, in whatever way; later events are ignored. */
  | 'ended';

/**
 * One attempt on one endpoint: undici's handler on one side, the filters' Reply on the other. It holds a response back,
 * headers and what has come of the body, until the filters deliver or discard it.
 */
export class HttpAttempt implements ResponseHandler, Reply {
  httpStatus = 0;
  readonly grpcStatus = undefined;
  readonly flags = undefined;
  #state: State = 'connecting';
  #settled = false;
  #abort: ((reason?: Error) => void) | undefined;
  #resumeSource: (() => void) | undefined;
  #rawHeaders: Buffer[] = [];
  #statusText = '';
  #held: Buffer[] = [];
  #heldBytes = 0;
  #sourcePaused = false;
  #callerPaused = false;
  /** Undefined until the response is complete. */
  #trailers: Buffer[] | null | undefined;
  #brokenBy: MeshError | undefined;
  #upgrade: Parameters<NonNullable<ResponseHandler['onUpgrade']>> | undefined;
  #drainTimer: Timer | undefined;
  #finished = false;
  #failure: MeshError | undefined;
  #finishListeners: FinishListener[] = [];
  readonly #onInterrupt = (reason: MeshError) => this.#interrupt(reason);

  constructor(
    private readonly call: HttpCall,
    private readonly clock: Clock,
    private readonly resolve: (reply: Reply) => void,
    private readonly reject: (failure: MeshError) => void,
  ) {
    call.interrupt = this.#onInterrupt;
    call.currentAttempt = this;
  }

  get waitsForConnection(): boolean {
    return this.#state === 'connecting';
  }

  get isOver(): boolean {
    return this.#state === 'ended';
  }

  /** Called once when the request leaves the queue for a connection, or fails before. */
  onConnectionSettled: (() => void) | undefined;

  // What undici calls.

  onConnect(abort: (reason?: Error) => void): void {
    this.#connectionSettled();
    // Given up while it was queued. What is thrown here takes it out of undici's queue; `abort` would cost the connection
    // as well, and would destroy a body that another attempt may be sending by now.
    if (this.#state !== 'connecting') throw this.call.cancelled ?? new Error('the attempt was given up');
    this.#abort = abort;
    this.#state = 'sent';
  }

  onHeaders(status: number, rawHeaders: Buffer[], resume: () => void, statusText: string): boolean {
    if (this.#state !== 'sent') return true;
    this.#moved();
    if (status < 200) return this.#passInformation(status, rawHeaders, resume, statusText);
    this.httpStatus = status;
    this.#rawHeaders = rawHeaders;
    this.#resumeSource = resume;
    this.#statusText = statusText;
    this.#state = 'held';
    this.#settled = true;
    this.resolve(this);
    return true;
  }

  onData(chunk: Buffer): boolean {
    switch (this.#state) {
      case 'delivering':
        this.#moved();
        if (!this.#callerPaused && this.#held.length === 0) return this.#pass(chunk);
        return this.#hold(chunk, false);
      case 'held':
        this.#moved();
        return this.#hold(chunk, this.#heldBytes + chunk.length <= maxHeldBytes);
      case 'discarded':
        this.#heldBytes += chunk.length;
        if (this.#heldBytes > maxDrainedBytes) this.#stopDraining();
        return true;
      default:
        return true;
    }
  }

  onComplete(trailers: Buffer[] | null): void {
    this.#trailers = trailers;
    if (this.#state === 'delivering') this.#completeWhenFlushed();
    else if (this.#state === 'discarded') this.#end(undefined);
  }

  onError(error: Error): void {
    this.#connectionSettled();
    switch (this.#state) {
      case 'connecting':
      case 'sent':
        this.#fail(this.call.cancelled ?? this.#failureOf(error));
        return;
      case 'held':
      case 'delivering':
        this.#brokenBy = this.call.cancelled ?? this.#failureOf(error);
        if (this.#state === 'delivering') this.#breakOff(this.#brokenBy);
        return;
      case 'discarded':
        this.#end(undefined);
        return;
      default:
    }
  }

  onUpgrade(
    status: number,
    rawHeaders: Buffer[] | null,
    socket: Parameters<NonNullable<ResponseHandler['onUpgrade']>>[2],
  ): void {
    this.httpStatus = status;
    this.#upgrade = [status, rawHeaders, socket];
    this.#state = 'held';
    this.#settled = true;
    this.resolve(this);
  }

  onBodySent(chunk: unknown, total?: number): void {
    this.call.idleWatch?.touch();
    this.call.bodyTap?.write(chunk as string | Uint8Array);
    this.call.handler.onBodySent?.(chunk, total);
  }

  onRequestSent(): void {
    this.call.bodyTap?.end();
    this.call.handler.onRequestSent?.();
  }

  onResponseStarted(): void {
    this.call.handler.onResponseStarted?.();
  }

  // What the filters call.

  header(name: string): string | undefined {
    const raw = this.#rawHeaders;
    for (let i = 0; i + 1 < raw.length; i += 2) {
      const candidate = raw[i]!;
      if (candidate.length === name.length && candidate.toString('latin1').toLowerCase() === name)
        return raw[i + 1]!.toString('latin1');
    }
    return undefined;
  }

  setHeader(name: string, value: string): void {
    this.removeHeader(name);
    this.appendHeader(name, value);
  }

  appendHeader(name: string, value: string): void {
    this.#rawHeaders.push(Buffer.from(name, 'latin1'), Buffer.from(value, 'latin1'));
  }

  removeHeader(name: string): void {
    const raw = this.#rawHeaders;
    for (let i = raw.length - 2; i >= 0; i -= 2) {
      const candidate = raw[i]!;
      if (candidate.length === name.length && candidate.toString('latin1').toLowerCase() === name) raw.splice(i, 2);
    }
  }

  onFinish(listener: FinishListener): void {
    if (this.#finished) listener(this.#failure);
    else this.#finishListeners.push(listener);
  }

  deliver(): void {
    this.#state = 'delivering';
    const { handler } = this.call;
    try {
      if (this.#upgrade !== undefined) {
        handler.onUpgrade?.(...this.#upgrade);
        this.#end(undefined);
        return;
      }
      const proceed = handler.onHeaders(this.httpStatus, this.#rawHeaders, () => this.#resume(), this.#statusText);
      this.#callerPaused = proceed === false;
    } catch (error) {
      this.#abortByCaller(error);
      return;
    }
    this.#flush();
  }

  discard(): void {
    this.#held = [];
    this.#leaveCall();
    if (this.#trailers !== undefined || this.#brokenBy !== undefined) {
      this.#end(undefined);
      return;
    }
    this.#state = 'discarded';
    this.#drainTimer = this.clock.setTimer(maxDrainMs, () => this.#stopDraining());
    this.#resumeIfPaused();
  }

  /** The call has failed: where an exception was the reason, nobody may have ended its attempt. */
  abandon(reason: MeshError): void {
    if (this.#state === 'held') this.discard();
    else if (this.#state !== 'discarded') this.#interrupt(reason);
  }

  /** Something of the response has come; a dropped one's rest is no sign of life of the attempt after it. */
  #moved(): void {
    this.call.idleWatch?.touch();
    this.call.attemptIdleWatch?.touch();
  }

  #stopDraining(): void {
    this.#abort?.(new Error('the rest of a discarded response is not worth its connection'));
  }

  /** 1xx: the final response, which the filters decide on, is still to come. */
  #passInformation(...response: Parameters<ResponseHandler['onHeaders']>): boolean {
    try {
      this.call.handler.onHeaders(...response);
    } catch (error) {
      this.call.cancel(handlerThrew(error));
    }
    return true;
  }

  /** A body that fails fails the request, and says nothing of the upstream. */
  #failureOf(error: Error): MeshError {
    const ownError = this.call.body.error();
    if (ownError === undefined) return toFailure(error, this.#state !== 'connecting');
    return new MeshError('invalid_request', { message: 'the request body failed', cause: ownError });
  }

  /** Ends an attempt that waits for headers, or a response under way, with the reason given. */
  #interrupt(reason: MeshError): void {
    switch (this.#state) {
      case 'connecting':
      case 'sent':
        this.#fail(reason);
        this.#abort?.(reason);
        return;
      case 'held':
        this.#brokenBy = reason;
        this.#abort?.(reason);
        return;
      case 'delivering':
        this.#breakOff(reason);
        this.#abort?.(reason);
        return;
      default:
    }
  }

  #flush(): void {
    while (!this.#callerPaused && this.#held.length > 0 && this.#state === 'delivering') {
      const chunk = this.#held.shift()!;
      this.#heldBytes -= chunk.length;
      this.#pass(chunk);
    }
    if (this.#callerPaused || this.#state !== 'delivering') return;
    if (this.#brokenBy !== undefined) this.#breakOff(this.#brokenBy);
    else if (this.#trailers !== undefined) this.#completeWhenFlushed();
    else this.#resumeIfPaused();
  }

  #pass(chunk: Buffer): boolean {
    try {
      const proceed = this.call.handler.onData(chunk) !== false;
      this.#callerPaused = !proceed;
      if (!proceed) this.#sourcePaused = true;
      return proceed;
    } catch (error) {
      this.#abortByCaller(error);
      return true;
    }
  }

  #hold(chunk: Buffer, proceed: boolean): boolean {
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    if (!proceed) this.#sourcePaused = true;
    return proceed;
  }

  #resume(): void {
    this.#callerPaused = false;
    this.#flush();
  }

  #resumeIfPaused(): void {
    if (!this.#sourcePaused) return;
    this.#sourcePaused = false;
    this.#resumeSource?.();
  }

  #completeWhenFlushed(): void {
    if (this.#callerPaused || this.#held.length > 0) return;
    try {
      this.call.handler.onComplete(this.#trailers ?? null);
    } catch (error) {
      this.#abortByCaller(error);
      return;
    }
    this.#end(undefined);
  }

  #breakOff(failure: MeshError): void {
    failure.attempts = this.call.attempt;
    failure.cluster ??= this.call.cluster?.cluster.name;
    failure.endpoint ??= this.call.endpoint?.endpoint.address;
    this.#end(failure);
    this.call.handler.onError(toCallerError(failure));
  }

  /** The caller's own handler threw: its error ends the call, as it would in undici. */
  #abortByCaller(error: unknown): void {
    this.#breakOff(handlerThrew(error));
    this.#abort?.();
  }

  #fail(failure: MeshError): void {
    this.#end(failure);
    if (this.#settled) return;
    this.#settled = true;
    this.reject(failure);
  }

  #end(failure: MeshError | undefined): void {
    this.#connectionSettled();
    this.#state = 'ended';
    if (this.#finished) return;
    this.#finished = true;
    this.#drainTimer?.cancel();
    this.#failure = failure;
    this.#leaveCall();
    for (const listener of this.#finishListeners) listener(failure);
  }

  /** A later attempt may wait in the call's slot by now: only what is ours is taken out. */
  #leaveCall(): void {
    if (this.call.interrupt === this.#onInterrupt) this.call.interrupt = undefined;
  }

  #connectionSettled(): void {
    const settled = this.onConnectionSettled;
    this.onConnectionSettled = undefined;
    settled?.();
  }
}

function handlerThrew(error: unknown): MeshError {
  return new MeshError('caller_cancelled', { cause: error, message: 'the response handler threw' });
}
