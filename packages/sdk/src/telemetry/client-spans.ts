import type { AttemptRecorder, Call, CallEnd, CallRecorder } from '@inmesh/core';
import { type Context, context, isSpanContextValid, type Span, SpanKind, type Tracer, trace } from '@opentelemetry/api';
import { inboundCalls } from '../server/context.js';
import { contextOfInbound } from './server-spans.js';
import {
  attemptAttributes,
  clientAttributes,
  clientSpanName,
  recordEnd,
  routingAttributes,
} from './span-attributes.js';
import { injectContext } from './trace-propagation.js';

/**
 * The spans of a call that this process makes. Semantic conventions want one CLIENT span for each request that is sent,
 * counting retries in `http.request.resend_count`; so an attempt is the CLIENT span, and the call around the attempts,
 * which is what the application waited for, is an INTERNAL one.
 */
export class ClientSpan implements CallRecorder {
  readonly #tracer: Tracer;
  readonly #span: Span;
  readonly #parent: Context;

  constructor(tracer: Tracer, call: Call) {
    const parent = parentContext();
    const options = { kind: SpanKind.INTERNAL, attributes: clientAttributes(call) };
    this.#tracer = tracer;
    this.#span = tracer.startSpan(`mesh ${clientSpanName(call)}`, options, parent);
    this.#parent = parent;
  }

  attemptStarted(call: Call): AttemptRecorder | undefined {
    const spanContext = this.#span.spanContext();
    if (!isSpanContextValid(spanContext)) return undefined; // no SDK: nothing to tell anyone
    const inside = trace.setSpan(this.#parent, this.#span);
    if (this.#span.isRecording()) return new AttemptSpan(this.#tracer, inside, call);
    // Not sampled: the next hop must know, but has nothing to learn from a second span.
    injectContext(inside, spanContext, call.headers);
    return undefined;
  }

  callEnded(call: Call, end: CallEnd): void {
    if (this.#span.isRecording()) {
      const service = call.cluster?.cluster.service?.name;
      if (service) this.#span.updateName(`mesh ${clientSpanName(call)} ${service}`);
      this.#span.setAttributes(routingAttributes(call));
      recordEnd(this.#span, end, 'client');
    }
    this.#span.end();
  }
}

class AttemptSpan implements AttemptRecorder {
  readonly #span: Span;

  constructor(tracer: Tracer, parent: Context, call: Call) {
    const options = { kind: SpanKind.CLIENT, attributes: attemptAttributes(call) };
    this.#span = tracer.startSpan(clientSpanName(call), options, parent);
    const spanContext = this.#span.spanContext();
    if (isSpanContextValid(spanContext)) injectContext(trace.setSpan(parent, this.#span), spanContext, call.headers);
  }

  attemptEnded(_call: Call, end: CallEnd): void {
    recordEnd(this.#span, end, 'client');
    this.#span.end();
  }
}

function parentContext(): Context {
  const active = context.active();
  if (trace.getSpanContext(active) !== undefined) return active;
  const inbound = inboundCalls.getStore();
  return (inbound && contextOfInbound(inbound)) ?? active;
}
