import { once } from 'node:events';
import * as grpc from '@grpc/grpc-js';
import { RateLimiter, type Telemetry } from '@inmesh/core';
import { FakeClock, testRateLimit } from '@inmesh/core/testing';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { serverInterceptor } from '../../src/grpc/server/server-interceptor.js';
import { metricNames } from '../../src/telemetry/names.js';
import { opentelemetry } from '../../src/telemetry/opentelemetry.js';
import { prometheus } from '../../src/telemetry/prometheus.js';
import { RecordingTelemetry } from '../server/recording-telemetry.js';
import { internals } from '../telemetry/support.js';
import { payload } from './interop-service.js';
import { begin, handlersOfAllKinds, kinds, rawCall, serve, until } from './server-support.js';
import { clientOf, startMesh, startServer, unary } from './support.js';

async function connect(telemetry: readonly Telemetry[], server: Parameters<typeof startServer>[0] = {}) {
  const interceptors = [startMesh([], { telemetry }).grpc.serverInterceptor()];
  const served = await startServer({ ...server, options: { interceptors, ...server.options } });
  return { server: served, client: clientOf(startMesh([served])) };
}

async function seriesOf(register: Registry): Promise<unknown[][]> {
  const metrics = await register.getMetricsAsJSON();
  const { values } = metrics.find(({ name }) => name === metricNames.requests)!;
  return values.map(({ value, labels }) => [
    ...['reporter', 'request_protocol', 'response_code', 'response_flags', 'grpc_response_status'].map(
      (name) => labels[name],
    ),
    value,
  ]);
}

describe('istio_requests_total of a gRPC server', () => {
  it('has the gRPC status of every kind of call', async () => {
    const register = new Registry();
    const recording = new RecordingTelemetry();
    const telemetry = [prometheus({ register }).create(internals), recording];
    const handlers = handlersOfAllKinds((call, answer) => answer({ code: Number(call.metadata.get('code')[0]) }));
    const interceptors = [startMesh([], { telemetry }).grpc.serverInterceptor()];
    const client = clientOf(startMesh([await serve(handlers, { interceptors })]));
    for (const kind of kinds)
      for (const code of ['0', '5'])
        expect((await begin(client, kind, { metadata: { code } }).ended).code).toBe(Number(code));
    await recording.untilEnded(8);
    expect(await seriesOf(register)).toEqual([
      // Streams without a message send their status alone, and so are whole in their headers, as the unary error is.
      ['destination', 'grpc', '200', '-', '0', 4],
      ['destination', 'grpc', '404', '-', '5', 4],
    ]);
    expect(await register.metrics()).toContain('destination_service="productpage.shop.svc.cluster.local"');
  });

  it('tells why the mesh ended a call', async () => {
    const register = new Registry();
    const recording = new RecordingTelemetry();
    const bucket = { maxTokens: 3, tokensPerFill: 1, fillIntervalMs: 600_000 };
    const mesh = startMesh([], {
      telemetry: [prometheus({ register }).create(internals), recording],
      route: { rateLimits: [testRateLimit({ bucket })] },
    });
    const clock = new FakeClock();
    const rateLimiter = new RateLimiter({ ...mesh.internals, clock });
    const interceptor = serverInterceptor(
      { ...mesh.internals, clock, rateLimiter },
      {
        maxConcurrent: 2,
        authorize: ({ metadata }) => (metadata.get('user')[0] === 'eve' ? { code: 7, details: 'no' } : undefined),
      },
    );
    const server = await serve(
      handlersOfAllKinds(() => {}),
      { interceptors: [interceptor] },
    );
    const client = clientOf(startMesh([server]));
    await begin(client, 'UnaryCall', { metadata: { user: 'eve' } }).ended;
    const gone = begin(client, 'UnaryCall');
    const late = begin(client, 'FullDuplexCall', { metadata: { 'x-envoy-expected-rq-timeout-ms': '60' } });
    await until(() => recording.started.length === 3);
    await begin(client, 'UnaryCall').ended;
    clock.advance(60);
    await late.ended;
    gone.cancel();
    await recording.untilEnded(4);
    const later = begin(client, 'UnaryCall', { metadata: { 'x-envoy-expected-rq-timeout-ms': '60' } });
    await until(() => recording.started.length === 5);
    clock.advance(60);
    await later.ended;
    await begin(client, 'UnaryCall').ended;
    await recording.untilEnded(6);
    expect(new Set(await seriesOf(register))).toEqual(
      new Set([
        ['destination', 'grpc', '403', 'UAEX', '7', 1],
        ['destination', 'grpc', '503', 'UO', '8', 1],
        ['destination', 'grpc', '504', 'DT', '4', 2],
        ['destination', 'grpc', '0', 'DC', '1', 1],
        ['destination', 'grpc', '429', 'RL', '8', 1],
      ]),
    );
  });

  it('has what grpc-js itself answered', async () => {
    const recording = new RecordingTelemetry();
    const { client } = await connect([recording], { options: { 'grpc.max_receive_message_length': 100 } });
    await unary(client, { payload: payload(200) });
    expect(await recording.untilEnded(1)).toMatchObject([
      { grpcStatus: grpc.status.RESOURCE_EXHAUSTED, error: { reason: 'invalid_request' } },
    ]);
  });

  it('has grpc-timeout that is over as a deadline', async () => {
    const recording = new RecordingTelemetry();
    const { server } = await connect([recording], { unary: () => new Promise(() => {}) });
    // A client of grpc-js would leave at its deadline, and might be the first.
    const { session, stream } = rawCall(server.port, '50m');
    const [headers] = await once(stream, 'response');
    session.destroy();
    expect(headers['grpc-status']).toBe('4');
    expect(await recording.untilEnded(1)).toMatchObject([
      { grpcStatus: grpc.status.DEADLINE_EXCEEDED, error: { reason: 'deadline_exceeded' } },
    ]);
  });

  it('ends with the stream and not before, once, behind however many interceptors of the mesh', async () => {
    const recording = new RecordingTelemetry();
    const mesh = startMesh([], { telemetry: [recording] });
    const ends: (() => void)[] = [];
    const handlers = handlersOfAllKinds((_call, answer) => ends.push(() => answer({ code: 0 })));
    const interceptors = [mesh.grpc.serverInterceptor(), mesh.grpc.serverInterceptor()];
    const client = clientOf(startMesh([await serve(handlers, { interceptors })]));
    const call = begin(client, 'FullDuplexCall');
    await until(() => ends.length === 1);
    expect(recording.ended).toEqual([]);
    ends[0]!();
    await call.ended;
    expect(await recording.untilEnded(1)).toHaveLength(1);
    expect(recording.started.map(({ side }) => side)).toEqual(['server']);
  });
});

function traced() {
  const exporter = new InMemorySpanExporter();
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const telemetry = [opentelemetry({ tracerProvider }).create(internals)];
  const finished = async (count: number) => {
    await until(() => exporter.getFinishedSpans().length >= count);
    return exporter.getFinishedSpans();
  };
  return { telemetry, finished };
}

const rpc = {
  'rpc.system': 'grpc',
  'rpc.service': 'grpc.testing.TestService',
  'rpc.method': 'UnaryCall',
  'server.address': 'reviews',
  'server.port': 80,
};

describe('the trace of gRPC calls', () => {
  it('leads from the client’s span by each attempt’s to the server’s, and on to what its handler calls', async () => {
    const { telemetry, finished } = traced();
    const leaf = await connect(telemetry);
    const mesh = startMesh([leaf.server], { telemetry });
    const inner = clientOf(mesh);
    const middle = await serve(
      handlersOfAllKinds((_call, answer) => void unary(inner).then(({ status }) => answer(status))),
      { interceptors: [mesh.grpc.serverInterceptor()] },
    );
    await unary(clientOf(startMesh([middle], { telemetry })));
    const spans = await finished(6);
    const children = new Map(spans.map((span) => [span.parentSpanContext?.spanId, span]));
    const chain: ReadableSpan[] = [];
    for (let span = children.get(undefined); span !== undefined; span = children.get(span.spanContext().spanId))
      chain.push(span);
    const name = 'grpc.testing.TestService/UnaryCall';
    const ofOneHop = [
      [`mesh ${name}`, SpanKind.INTERNAL],
      [name, SpanKind.CLIENT],
      [name, SpanKind.SERVER],
    ];
    expect(chain.map((span) => [span.name, span.kind])).toEqual([...ofOneHop, ...ofOneHop]);
    expect(new Set(spans.map((span) => span.spanContext().traceId)).size).toBe(1);
    expect(chain[1]!.attributes).toMatchObject({
      ...rpc,
      'rpc.grpc.status_code': 0,
      'network.peer.address': '127.0.0.1',
    });
    expect(chain[2]!.attributes).toEqual({ ...rpc, 'rpc.grpc.status_code': 0 });
  });

  it.each([
    [grpc.status.NOT_FOUND, SpanStatusCode.UNSET],
    [grpc.status.UNKNOWN, SpanStatusCode.ERROR],
    [grpc.status.UNAVAILABLE, SpanStatusCode.ERROR],
  ])(
    'has status %s as an error of the client, and of the server where semantic conventions say so',
    async (code, ofServer) => {
      const { telemetry, finished } = traced();
      const { server } = await connect(telemetry, { unary: async () => ({ code, details: 'no' }) });
      await unary(clientOf(startMesh([server], { telemetry })));
      const spans = await finished(3);
      const statusOf = (kind: SpanKind) => spans.find((span) => span.kind === kind)!;
      expect(statusOf(SpanKind.CLIENT)).toMatchObject({
        status: { code: SpanStatusCode.ERROR },
        attributes: { 'rpc.grpc.status_code': code, 'error.type': String(code) },
      });
      expect(statusOf(SpanKind.SERVER).status.code).toBe(ofServer);
    },
  );
});
