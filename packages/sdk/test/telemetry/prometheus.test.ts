import { MeshError } from '@inmesh/core';
import { testCall, testEndpointView } from '@inmesh/core/testing';
import { AggregatorRegistry, Counter, Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { metricNames } from '../../src/telemetry/names.js';
import { prometheus } from '../../src/telemetry/prometheus.js';
import { clusterView, end, internals, reviewsCall, workload } from './support.js';

function create(options: { maxSeries?: number; buckets?: number[] } = {}) {
  const register = new Registry();
  return { register, telemetry: prometheus({ register, ...options }).create(internals) };
}

async function valuesOf(register: Registry, name: string) {
  const metrics = await register.getMetricsAsJSON();
  return metrics.find((metric) => metric.name === name)!.values;
}

describe('istio_requests_total', () => {
  test('has all of Istio standard labels on the client side', async () => {
    const { register, telemetry } = create();
    end(telemetry, reviewsCall());
    end(telemetry, reviewsCall());
    expect(await valuesOf(register, metricNames.requests)).toEqual([
      {
        value: 2,
        labels: {
          reporter: 'source',
          source_workload: 'productpage-v1',
          source_workload_namespace: 'shop',
          source_canonical_service: 'productpage',
          source_canonical_revision: 'v1',
          source_app: 'productpage',
          source_version: 'v1',
          source_principal: 'unknown',
          source_cluster: 'Kubernetes',
          destination_workload: 'reviews-v2',
          destination_workload_namespace: 'shop',
          destination_principal: 'unknown',
          destination_app: 'reviews',
          destination_version: 'v2',
          destination_service: 'reviews.shop.svc.cluster.local',
          destination_service_name: 'reviews',
          destination_service_namespace: 'shop',
          destination_canonical_service: 'reviews',
          destination_canonical_revision: 'v2',
          destination_cluster: 'Kubernetes',
          request_protocol: 'http',
          response_code: '200',
          response_flags: '-',
          grpc_response_status: '',
          connection_security_policy: 'unknown',
        },
      },
    ]);
  });

  test('has this workload as destination, and an unknown source, on the server side', async () => {
    const { register, telemetry } = create();
    end(telemetry, testCall({ authority: 'whatever.a.stranger.sent' }), { httpStatus: 404 }, 'server');
    const values = await valuesOf(register, metricNames.requests);
    expect(values[0]?.labels).toMatchObject({
      reporter: 'destination',
      source_workload: 'unknown',
      source_canonical_revision: 'latest',
      destination_workload: 'productpage-v1',
      destination_app: 'productpage',
      destination_version: 'v1',
      destination_service: 'productpage.shop.svc.cluster.local',
      destination_service_name: 'productpage',
      response_code: '404',
      connection_security_policy: 'none',
    });
  });

  test('tells outcomes apart by code, flags and gRPC status', async () => {
    const { register, telemetry } = create();
    const call = reviewsCall();
    const exhausted = new MeshError('upstream_connection_failure');
    exhausted.retriesExhausted = true;
    end(telemetry, call, { httpStatus: 503, error: exhausted });
    end(telemetry, call, { httpStatus: 503 });
    end(telemetry, call, { httpStatus: 0, error: new MeshError('caller_cancelled') });
    end(telemetry, call, { httpStatus: 503, flags: 'FI' });
    const grpc = reviewsCall({ protocol: 'grpc' });
    end(telemetry, grpc, { grpcStatus: 0 });
    end(telemetry, grpc, { grpcStatus: 5 });
    const outcomes = (await valuesOf(register, metricNames.requests)).map(({ labels, value }) => [
      labels.request_protocol,
      labels.response_code,
      labels.response_flags,
      labels.grpc_response_status,
      value,
    ]);
    expect(outcomes).toEqual([
      ['http', '503', 'UF,URX', '', 1],
      ['http', '503', '-', '', 1],
      ['http', '0', 'DC', '', 1],
      ['http', '503', 'FI', '', 1],
      ['grpc', '200', '-', '0', 1],
      ['grpc', '200', '-', '5', 1],
    ]);
  });

  test('names what was asked for when no cluster was found, and the cluster when it has no service', async () => {
    const { register, telemetry } = create();
    end(telemetry, testCall({ authority: 'nowhere.example:81' }), {
      httpStatus: 404,
      error: new MeshError('no_route'),
    });
    const call = reviewsCall();
    call.cluster = clusterView({ name: 'PassthroughCluster', service: undefined });
    call.endpoint = testEndpointView();
    end(telemetry, call);
    const services = (await valuesOf(register, metricNames.requests)).map(({ labels }) => [
      labels.destination_service,
      labels.destination_service_name,
      labels.destination_workload,
    ]);
    expect(services).toEqual([
      ['nowhere.example', 'unknown', 'unknown'],
      ['PassthroughCluster', 'PassthroughCluster', 'unknown'],
    ]);
  });

  test('goes on in the same series when a new configuration brings new views', async () => {
    const { register, telemetry } = create();
    for (let i = 0; i < 100; i += 1) end(telemetry, reviewsCall());
    expect(await valuesOf(register, metricNames.requests)).toMatchObject([{ value: 100 }]);
  });
});

describe('istio_request_duration_milliseconds', () => {
  test('counts into Istio default buckets, cumulatively, as prom-client writes them', async () => {
    const { register, telemetry } = create();
    for (const durationMs of [0.5, 0.6, 7, 3_600_001]) end(telemetry, reviewsCall(), { durationMs });
    const text = await register.getSingleMetricAsString(metricNames.requestDuration);
    const lines = text.split('\n').filter((line) => !line.startsWith('#'));
    const bucket = (le: string) =>
      lines
        .find((line) => line.includes(`_bucket{le="${le}",`))
        ?.split(' ')
        .at(-1);
    expect(['0.5', '1', '5', '10', '3600000', '+Inf'].map(bucket)).toEqual(['1', '2', '2', '3', '3', '4']);
    expect(lines).toHaveLength(19 + 1 + 2);
    expect(lines.at(-2)).toMatch(/^istio_request_duration_milliseconds_sum\{reporter="source",.*\} 3600009\.1$/);
    expect(lines.at(-1)).toMatch(/^istio_request_duration_milliseconds_count\{reporter="source",.*\} 4$/);
  });

  test('takes other buckets', async () => {
    const { register, telemetry } = create({ buckets: [10, 20] });
    end(telemetry, reviewsCall(), { durationMs: 15 });
    const values = (await valuesOf(register, metricNames.requestDuration)) as {
      labels: { le?: unknown };
      value: number;
    }[];
    expect(values.map(({ labels, value }) => [labels.le, value])).toEqual([
      [10, 0],
      [20, 1],
      ['+Inf', 1],
      [undefined, 15],
      [undefined, 1],
    ]);
  });
});

describe('the number of series', () => {
  test('stays at its limit through a million distinct hosts, the rest being counted as `other`', {
    timeout: 60_000,
  }, async () => {
    const { register, telemetry } = create();
    const hosts = 1_000_000;
    const error = new MeshError('no_route');
    const call = testCall();
    for (let i = 0; i < hosts; i += 1) {
      const each = Object.create(call, { authority: { value: `host-${i}.example` } });
      end(telemetry, each, { httpStatus: i % 2 === 0 ? 404 : 503, error });
    }
    const values = await valuesOf(register, metricNames.requests);
    const others = values.filter(({ labels }) => labels.destination_service === 'other');
    expect(values.length - others.length).toBe(2000);
    expect(
      others.map(({ labels, value }) => [labels.response_code, labels.response_flags, labels.source_app, value]),
    ).toEqual([
      ['4xx', 'other', 'productpage', (hosts - 2000) / 2],
      ['5xx', 'other', 'productpage', (hosts - 2000) / 2],
    ]);
    expect(values.reduce((sum, { value }) => sum + value, 0)).toBe(hosts);
  });

  test('does not let overflow touch series that have their place', async () => {
    const { register, telemetry } = create({ maxSeries: 1 });
    const first = reviewsCall();
    end(telemetry, first);
    end(telemetry, first, { httpStatus: 500 });
    end(telemetry, testCall(), { httpStatus: 0, error: new MeshError('caller_cancelled') }, 'server');
    end(telemetry, first);
    const values = await valuesOf(register, metricNames.requests);
    expect(
      values.map(({ labels, value }) => [labels.reporter, labels.destination_app, labels.response_code, value]),
    ).toEqual([
      ['source', 'reviews', '200', 2],
      ['source', 'other', '5xx', 1],
      ['destination', 'other', '0', 1],
    ]);
  });
});

describe('a registry', () => {
  test('shared by two meshes has each metric once, with the sum of both', async () => {
    const register = new Registry();
    const plugin = prometheus({ register });
    end(plugin.create(internals), reviewsCall());
    end(prometheus({ register }).create(internals), reviewsCall());
    end(plugin.create({ ...internals, workload: { ...workload, name: 'other-workload' } }), reviewsCall());
    const values = await valuesOf(register, metricNames.requests);
    expect(values.map(({ labels, value }) => [labels.source_workload, value])).toEqual([
      ['productpage-v1', 2],
      ['other-workload', 1],
    ]);
  });

  test('that has somebody else by that name is refused with the way out', () => {
    const register = new Registry();
    new Counter({ name: metricNames.requests, help: 'mine', registers: [register] });
    expect(() => prometheus({ register }).create(internals)).toThrow(
      'the registry has another metric named istio_requests_total',
    );
  });

  test('resets, and counts on from zero in the series that are in use', async () => {
    const { register, telemetry } = create();
    const call = reviewsCall();
    end(telemetry, call);
    register.resetMetrics();
    expect(await valuesOf(register, metricNames.requests)).toEqual([]);
    end(telemetry, call);
    expect(await valuesOf(register, metricNames.requests)).toMatchObject([{ value: 1 }]);
  });

  test('keeps its default labels, serves OpenMetrics, and is summed over the processes of a cluster', async () => {
    const { register, telemetry } = create();
    register.setDefaultLabels({ zone: 'a' });
    end(telemetry, reviewsCall());
    expect(await register.metrics()).toMatch(/^istio_requests_total\{.*zone="a".*\} 1$/m);
    const json = await register.getMetricsAsJSON();
    const summed = AggregatorRegistry.aggregate([json, structuredClone(json)]);
    const text = await summed.metrics();
    expect(text).toMatch(/^istio_requests_total\{.*\} 2$/m);
    expect(text).toMatch(/^istio_request_duration_milliseconds_bucket\{.*le="5".*\} 2$/m);
    const open = new Registry();
    open.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
    end(prometheus({ register: open }).create(internals), reviewsCall());
    expect(await open.metrics()).toMatch(/^istio_requests_total\{.*\} 1$/m);
  });
});

describe('inmesh_guard_calls_total', () => {
  test('counts guarded calls by outcome', async () => {
    const { register, telemetry } = create();
    const event = { name: 'orders-db', durationMs: 1, attempts: 1 };
    telemetry.guardCallEnded?.({ ...event, outcome: 'success' });
    telemetry.guardCallEnded?.({ ...event, outcome: 'success' });
    telemetry.guardCallEnded?.({ ...event, outcome: 'circuit_open', attempts: 0 });
    expect(await valuesOf(register, metricNames.guardCalls)).toEqual([
      { labels: { guard: 'orders-db', outcome: 'success' }, value: 2 },
      { labels: { guard: 'orders-db', outcome: 'circuit_open' }, value: 1 },
    ]);
  });
});

test('wrong options are named together', () => {
  expect(() => prometheus({ register: new Registry(), maxSeries: 0, buckets: [2, 1] })).toThrow(
    'prometheus: maxSeries: 0 is not a whole number from 1 up; buckets: not a list of ascending numbers',
  );
});
