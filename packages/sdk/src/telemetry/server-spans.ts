import type { Call, CallEnd, CallRecorder } from '@inmesh/core';
import { type Context, context, type Span, SpanKind, type Tracer, trace } from '@opentelemetry/api';
import { recordEnd, serverAttributes, serverSpanName } from './span-attributes.js';
import { extractContext } from './trace-propagation.js';

/**
 * The context of each request being answered. A call made in its handler finds its parent here when no OpenTelemetry
 * context manager is registered; the handler's own AsyncLocalStorage leads to the request.
 */
const contexts = new WeakMap<Call, Context>();

export function contextOfInbound(call: Call): Context | undefined {
  return contexts.get(call);
}

/** The span of a request that this process answers. */
export class ServerSpan implements CallRecorder {
  readonly #span: Span;
  readonly #context: Context;

  constructor(tracer: Tracer, call: Call) {
    const active = context.active();
    // Somebody's HTTP instrumentation has taken the request already: this is a part of that, not a second arrival.
    const isInside = trace.getSpanContext(active) !== undefined;
    const parent = isInside ? active : extractContext(active, call.headers);
    const kind = isInside ? SpanKind.INTERNAL : SpanKind.SERVER;
    this.#span = tracer.startSpan(serverSpanName(call), { kind, attributes: serverAttributes(call) }, parent);
    this.#context = trace.setSpan(parent, this.#span);
    contexts.set(call, this.#context);
  }

  run<T>(handler: () => T): T {
    return context.with(this.#context, handler);
  }

  callEnded(_call: Call, end: CallEnd): void {
    if (this.#span.isRecording()) recordEnd(this.#span, end, 'server');
    this.#span.end();
  }
}
