import { type Call, type CallRecorder, MeshError } from '@inmesh/core';
import { testCall } from '@inmesh/core/testing';
import {
  context,
  createContextKey,
  propagation,
  SpanKind,
  SpanStatusCode,
  type TextMapPropagator,
  trace,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AlwaysOffSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { inboundCalls } from '../../src/server/context.js';
import { InboundCall } from '../../src/server/inbound-call.js';
import { opentelemetry } from '../../src/telemetry/opentelemetry.js';
import { parseTraceparent } from '../../src/telemetry/w3c.js';
import { callEnd, internals, reviewsCall } from './support.js';

const incoming = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

afterEach(() => {
  context.disable();
  propagation.disable();
  trace.disable();
});

function traced(options: { sampler?: Sampler; processor?: SpanProcessor } = {}) {
  const exporter = new InMemorySpanExporter();
  const tracerProvider = new BasicTracerProvider({
    ...(options.sampler && { sampler: options.sampler }),
    spanProcessors: [options.processor ?? new SimpleSpanProcessor(exporter)],
  });
  return { exporter, telemetry: opentelemetry({ tracerProvider }).create(internals) };
}

function inboundCall(headers: Record<string, string> = {}, path = '/'): InboundCall {
  const { snapshot, headers: list } = testCall({ headers });
  return new InboundCall({
    protocol: 'http',
    scheme: 'http',
    authority: 'productpage:9080',
    method: 'GET',
    path,
    headers: list,
    snapshot,
    startedAt: 0,
  });
}

function attempt(recorder: CallRecorder, call: Call, httpStatus = 200, error?: MeshError) {
  const recording = recorder.attemptStarted?.(call);
  recording?.attemptEnded(call, callEnd({ httpStatus, error }));
}

const named = (spans: ReadableSpan[], name: string) => spans.find((span) => span.name === name)!;

describe('an outgoing call', () => {
  test('is one INTERNAL span around a CLIENT span for each attempt', () => {
    const { exporter, telemetry } = traced();
    const call = reviewsCall({ path: '/reviews/7?stars=5' });
    call.route = { name: 'reviews-route' } as NonNullable<Call['route']>;
    const recorder = telemetry.callStarted(call, 'client');
    attempt(recorder, call, 503, new MeshError('upstream_connection_failure', { message: 'refused' }));
    call.attempt = 2;
    attempt(recorder, call, 200);
    recorder.callEnded(call, callEnd());
    const [first, second, whole] = exporter.getFinishedSpans() as [ReadableSpan, ReadableSpan, ReadableSpan];
    const request = {
      'http.request.method': 'GET',
      'url.full': 'http://reviews:9080/reviews/7?stars=5',
      'server.address': 'reviews',
      'server.port': 9080,
      'inmesh.cluster': 'outbound|9080||reviews.shop.svc.cluster.local',
      'inmesh.route': 'reviews-route',
    };
    const peer = { 'network.peer.address': '10.0.0.1', 'network.peer.port': 9080 };
    expect(whole).toMatchObject({
      name: 'mesh GET reviews',
      kind: SpanKind.INTERNAL,
      status: { code: SpanStatusCode.UNSET },
    });
    expect(whole.attributes).toEqual({ ...request, 'http.response.status_code': 200 });
    expect(first).toMatchObject({
      name: 'GET',
      kind: SpanKind.CLIENT,
      status: { code: SpanStatusCode.ERROR, message: 'refused' },
    });
    expect(first.attributes).toEqual({
      ...request,
      ...peer,
      'http.response.status_code': 503,
      'error.type': 'upstream_connection_failure',
    });
    expect(second.attributes).toEqual({
      ...request,
      ...peer,
      'http.request.resend_count': 1,
      'http.response.status_code': 200,
    });
    expect([first, second].map((span) => span.parentSpanContext?.spanId)).toEqual([
      whole.spanContext().spanId,
      whole.spanContext().spanId,
    ]);
  });

  test('fails its span from status 400 up, and at every error of the mesh', () => {
    const { exporter, telemetry } = traced();
    const outcomes = [
      { httpStatus: 399 },
      { httpStatus: 400 },
      { httpStatus: 0, error: new MeshError('caller_cancelled') },
    ];
    for (const outcome of outcomes) {
      const call = reviewsCall();
      telemetry.callStarted(call, 'client').callEnded(call, callEnd(outcome));
    }
    const ends = exporter
      .getFinishedSpans()
      .map(({ status, attributes }) => [
        status.code,
        attributes['error.type'],
        attributes['http.response.status_code'],
      ]);
    expect(ends).toEqual([
      [SpanStatusCode.UNSET, undefined, 399],
      [SpanStatusCode.ERROR, '400', 400],
      [SpanStatusCode.ERROR, 'caller_cancelled', undefined],
    ]);
  });

  test('says nothing secret, and nothing that a stranger could make up without end', () => {
    const { exporter, telemetry } = traced();
    const call = testCall({ authority: 'user:secret@host', method: 'PROPFIND42', path: '/a?sig=abc&x=1&Signature=d' });
    telemetry.callStarted(call, 'client').callEnded(call, callEnd());
    const [span] = exporter.getFinishedSpans() as [ReadableSpan];
    expect(span.name).toBe('mesh HTTP');
    expect(span.attributes).toMatchObject({
      'url.full': 'http://host/a?sig=REDACTED&x=1&Signature=REDACTED',
      'server.address': 'host',
      'server.port': 80,
      'http.request.method': '_OTHER',
      'http.request.method_original': 'PROPFIND42',
    });
  });

  test('carries the trace of each attempt in traceparent, though no propagator is registered', () => {
    const { exporter, telemetry } = traced();
    const call = reviewsCall({ headers: { traceparent: incoming, tracestate: 'old=1' } });
    const recorder = telemetry.callStarted(call, 'client');
    const sent: unknown[] = [];
    for (call.attempt = 1; call.attempt <= 2; call.attempt += 1) {
      attempt(recorder, call);
      sent.push(parseTraceparent(call.headers.getJoined('traceparent')));
    }
    recorder.callEnded(call, callEnd());
    const attempts = exporter.getFinishedSpans().filter((span) => span.kind === SpanKind.CLIENT);
    const expected = attempts
      .map((span) => span.spanContext())
      .map(({ traceId, spanId, traceFlags }) => ({ traceId, spanId, traceFlags }));
    expect(sent).toEqual(expected);
    expect(call.headers.has('tracestate')).toBe(false);
  });

  test('leaves it to the propagator that is registered', () => {
    const { telemetry } = traced();
    const propagator: TextMapPropagator = {
      fields: () => ['B3'],
      inject: (ctx, carrier, setter) => setter.set(carrier, 'B3', trace.getSpanContext(ctx)!.spanId),
      extract: (ctx) => ctx,
    };
    propagation.setGlobalPropagator(propagator);
    const call = reviewsCall();
    const recorder = telemetry.callStarted(call, 'client');
    recorder.attemptStarted?.(call);
    expect(call.headers.get('b3')).toMatch(/^[0-9a-f]{16}$/);
    expect(call.headers.has('traceparent')).toBe(false);
  });

  test('has the active span as its parent', () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const { exporter, telemetry } = traced();
    const parent = trace.wrapSpanContext({ ...parseTraceparent(incoming)! });
    const call = reviewsCall();
    context
      .with(trace.setSpan(context.active(), parent), () => telemetry.callStarted(call, 'client'))
      .callEnded(call, callEnd());
    expect(exporter.getFinishedSpans()[0]?.parentSpanContext?.spanId).toBe('b7ad6b7169203331');
  });

  test('that is not sampled makes no span of an attempt, and tells the next hop so', () => {
    const { exporter, telemetry } = traced({ sampler: new AlwaysOffSampler() });
    const call = reviewsCall();
    const recorder = telemetry.callStarted(call, 'client');
    expect(recorder.attemptStarted?.(call)).toBeUndefined();
    recorder.callEnded(call, callEnd({ httpStatus: 500 }));
    expect(call.headers.get('traceparent')).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    expect(exporter.getFinishedSpans()).toEqual([]);
  });
});

describe('without an OpenTelemetry SDK', () => {
  test('headers are left as they are', () => {
    const telemetry = opentelemetry().create(internals);
    const call = reviewsCall({ headers: { traceparent: incoming, tracestate: 'a=1' } });
    const recorder = telemetry.callStarted(call, 'client');
    expect(recorder.attemptStarted?.(call)).toBeUndefined();
    recorder.callEnded(call, callEnd());
    expect(call.headers.flat).toEqual(['traceparent', incoming, 'tracestate', 'a=1']);
  });

  test('an incoming trace is passed on as it came', () => {
    const telemetry = opentelemetry().create(internals);
    const inbound = inboundCall({ traceparent: incoming, tracestate: 'a=1,b=2' });
    telemetry.callStarted(inbound, 'server');
    const call = reviewsCall();
    inboundCalls.run(inbound, () => telemetry.callStarted(call, 'client').attemptStarted?.(call));
    expect(call.headers.flat).toEqual(['traceparent', incoming, 'tracestate', 'a=1,b=2']);
  });

  test('an SDK that is registered later is found', () => {
    const telemetry = opentelemetry().create(internals);
    const exporter = new InMemorySpanExporter();
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
    const call = reviewsCall();
    telemetry.callStarted(call, 'client').callEnded(call, callEnd());
    expect(exporter.getFinishedSpans()).toHaveLength(1);
  });
});

describe('an incoming call', () => {
  test('is a SERVER span, the child of the trace in its headers', () => {
    const { exporter, telemetry } = traced();
    const inbound = inboundCall({ traceparent: incoming, tracestate: 'vendor=x' }, '/reviews?sig=s&n=1');
    telemetry.callStarted(inbound, 'server').callEnded(inbound, callEnd({ httpStatus: 404 }));
    const [span] = exporter.getFinishedSpans() as [ReadableSpan];
    expect(span).toMatchObject({ name: 'GET', kind: SpanKind.SERVER, status: { code: SpanStatusCode.UNSET } });
    expect(span.spanContext().traceId).toBe('0af7651916cd43dd8448eb211c80319c');
    expect(span.parentSpanContext).toMatchObject({ spanId: 'b7ad6b7169203331', isRemote: true });
    expect(span.spanContext().traceState?.serialize()).toBe('vendor=x');
    expect(span.attributes).toEqual({
      'http.request.method': 'GET',
      'url.path': '/reviews',
      'url.query': 'sig=REDACTED&n=1',
      'url.scheme': 'http',
      'server.address': 'productpage',
      'server.port': 9080,
      'http.response.status_code': 404,
    });
  });

  test('begins a new trace when the header is not to be trusted', () => {
    const { exporter, telemetry } = traced();
    const inbound = inboundCall({ traceparent: incoming.toUpperCase() });
    telemetry.callStarted(inbound, 'server').callEnded(inbound, callEnd({ httpStatus: 500 }));
    const [span] = exporter.getFinishedSpans() as [ReadableSpan];
    expect(span.parentSpanContext).toBeUndefined();
    expect(span.status.code).toBe(SpanStatusCode.ERROR);
  });

  test('is inside the span of an instrumentation that came first, and no second arrival', () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const { exporter, telemetry } = traced();
    const local = trace.wrapSpanContext({ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 });
    const inbound = inboundCall({ traceparent: incoming });
    const recorder = context.with(trace.setSpan(context.active(), local), () =>
      telemetry.callStarted(inbound, 'server'),
    );
    recorder.callEnded(inbound, callEnd());
    const [span] = exporter.getFinishedSpans() as [ReadableSpan];
    expect(span.kind).toBe(SpanKind.INTERNAL);
    expect(span.parentSpanContext?.spanId).toBe('b'.repeat(16));
  });

  test.each([
    ['with a context manager', true],
    ['without any context manager', false],
  ])('is the parent of the calls of its handler, %s', async (_, managed) => {
    if (managed) context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const { exporter, telemetry } = traced();
    const inbound = inboundCall({ traceparent: incoming });
    const recorder = telemetry.callStarted(inbound, 'server');
    const handler = async () => {
      await Promise.resolve();
      const call = reviewsCall();
      telemetry.callStarted(call, 'client').callEnded(call, callEnd());
    };
    await inboundCalls.run(inbound, () => recorder.run!(handler));
    recorder.callEnded(inbound, callEnd());
    const spans = exporter.getFinishedSpans();
    const client = named(spans, 'mesh GET reviews');
    expect(client.parentSpanContext?.spanId).toBe(named(spans, 'GET').spanContext().spanId);
    expect(client.spanContext().traceId).toBe('0af7651916cd43dd8448eb211c80319c');
  });

  test('runs its handler in its own context, and passes on what that throws', () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const { telemetry } = traced();
    const inbound = inboundCall();
    const key = createContextKey('outer');
    const own = new Error('the handler');
    context.with(context.active().setValue(key, 'kept'), () => {
      const recorder = telemetry.callStarted(inbound, 'server');
      const seen = recorder.run!(() => [
        trace.getSpan(context.active())?.isRecording(),
        context.active().getValue(key),
      ]);
      expect(seen).toEqual([true, 'kept']);
      expect(() =>
        recorder.run!(() => {
          throw own;
        }),
      ).toThrow(own);
    });
  });
});

test('a span processor that throws is told of once, and harms no call', () => {
  const boom = () => {
    throw new Error('in the processor');
  };
  const error = vi.fn();
  const processor: SpanProcessor = { onStart: boom, onEnd: boom, forceFlush: async () => {}, shutdown: async () => {} };
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [processor] });
  const telemetry = opentelemetry({ tracerProvider }).create({ ...internals, logger: { info() {}, warn() {}, error } });
  for (const side of ['client', 'server'] as const) {
    const call = reviewsCall();
    const recorder = telemetry.callStarted(call, side);
    attempt(recorder, call);
    recorder.callEnded(call, callEnd());
  }
  expect(error).toHaveBeenCalledTimes(1);
});

describe('a gRPC call', () => {
  test('has the attributes of an RPC in the place of HTTP’s', () => {
    const { exporter, telemetry } = traced();
    const call = reviewsCall({ protocol: 'grpc', method: 'POST', path: '/shop.Reviews/Get' });
    const recorder = telemetry.callStarted(call, 'client');
    call.attempt = 2;
    recorder.attemptStarted!(call)!.attemptEnded(call, callEnd({ httpStatus: 503, grpcStatus: 14 }));
    recorder.callEnded(call, callEnd({ httpStatus: 503, grpcStatus: 14 }));
    const [attempted, whole] = exporter.getFinishedSpans() as [ReadableSpan, ReadableSpan];
    expect([attempted.name, whole.name]).toEqual(['shop.Reviews/Get', 'mesh shop.Reviews/Get reviews']);
    expect(attempted.attributes).toEqual({
      'rpc.system': 'grpc',
      'rpc.service': 'shop.Reviews',
      'rpc.method': 'Get',
      'rpc.grpc.status_code': 14,
      'error.type': '14',
      'server.address': 'reviews',
      'server.port': 9080,
      'network.peer.address': '10.0.0.1',
      'network.peer.port': 9080,
      'inmesh.cluster': 'outbound|9080||reviews.shop.svc.cluster.local',
    });
    expect(whole.status.code).toBe(SpanStatusCode.ERROR);
  });

  test('that came to an HTTP server is told of as a request: its path may be a stranger’s', () => {
    const { exporter, telemetry } = traced();
    const call = testCall({ protocol: 'grpc', method: 'POST', path: '/a/b' });
    telemetry.callStarted(call, 'server').callEnded(call, callEnd());
    const [span] = exporter.getFinishedSpans() as [ReadableSpan];
    expect([span.name, span.status.code]).toEqual(['POST', SpanStatusCode.UNSET]);
    expect(span.attributes).toMatchObject({ 'url.path': '/a/b', 'http.response.status_code': 200 });
  });
});
