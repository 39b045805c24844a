import type { HeaderList } from '@inmesh/core';
import {
  type Context,
  createTraceState,
  propagation,
  type SpanContext,
  type TextMapGetter,
  type TextMapSetter,
  trace,
} from '@opentelemetry/api';
import { traceHeaders } from './names.js';
import { formatTraceparent, parseTraceparent } from './w3c.js';

const getter: TextMapGetter<HeaderList> = {
  get: (headers, name) => headers.getJoined(name.toLowerCase()),
  keys: (headers) => headers.flat.filter((_, i) => i % 2 === 0),
};

const setter: TextMapSetter<HeaderList> = {
  set: (headers, name, value) => headers.set(name.toLowerCase(), value),
};

/** The context that incoming headers carry, on top of `base`. */
export function extractContext(base: Context, headers: HeaderList): Context {
  if (hasPropagator()) return propagation.extract(base, headers, getter);
  const parent = parseTraceparent(headers.getJoined(traceHeaders.parent));
  if (parent === undefined) return base;
  const state = headers.getJoined(traceHeaders.state);
  const spanContext: SpanContext = { ...parent, isRemote: true };
  if (state !== undefined) spanContext.traceState = createTraceState(state);
  return trace.setSpanContext(base, spanContext);
}

/** Writes `context`, whose span is `spanContext`, over whatever trace the headers carried. */
export function injectContext(context: Context, spanContext: SpanContext, headers: HeaderList): void {
  if (hasPropagator()) {
    propagation.inject(context, headers, setter);
    return;
  }
  headers.set(traceHeaders.parent, formatTraceparent(spanContext));
  const state = spanContext.traceState?.serialize();
  if (state) headers.set(traceHeaders.state, state);
  else headers.delete(traceHeaders.state);
}

/**
 * OpenTelemetry's global propagator does nothing until one is registered, which is easily forgotten and breaks every trace
 * at the first hop. So W3C's headers are written without it, and whoever registers another gets that one.
 */
function hasPropagator(): boolean {
  return propagation.fields().length > 0;
}
