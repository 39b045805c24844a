import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { createMesh, type Mesh } from 'inmesh';
import { opentelemetry } from 'inmesh/opentelemetry';
import { prometheus } from 'inmesh/prometheus';
import { seededRandom } from 'inmesh/testing';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { startBackend } from '../support/backends.js';
import { ConfigFolder, serviceYaml } from '../support/config-folder.js';
import { keep } from '../support/keep.js';

async function meshWith(telemetry: NonNullable<Parameters<typeof createMesh>[0]>['telemetry'] & object): Promise<Mesh> {
  const dead = await startBackend('reviews', 'v2');
  await dead.close();
  const folder = keep(new ConfigFolder());
  folder.write('reviews.yaml', serviceYaml('reviews', [keep(await startBackend('reviews', 'v1')), dead]));
  const workload = { name: 'productpage-v1', app: 'productpage', version: 'v1' };
  const mesh = keep(await createMesh({ config: folder.path, telemetry, workload, random: seededRandom(3) }));
  await mesh.ready();
  return mesh;
}

async function get(mesh: Mesh, url = 'http://reviews/'): Promise<string> {
  return (await mesh.fetch(url)).text();
}

describe('metrics of a mesh', () => {
  it('have Istio’s names and labels, and the flags of what the mesh refused', async () => {
    const register = new Registry();
    const mesh = await meshWith([prometheus({ register })]);
    for (let i = 0; i < 10; i += 1) expect(await get(mesh)).toBe('v1');
    await expect(get(mesh, 'http://reviews:8001/')).rejects.toMatchObject({ reason: 'no_healthy_upstream' });
    const text = await register.metrics();
    const line = text
      .split('\n')
      .find((one) => one.startsWith('istio_requests_total') && one.includes('response_code="200"'));
    for (const label of [
      'reporter="source"',
      'source_workload="productpage-v1"',
      'source_canonical_service="productpage"',
      'destination_service="reviews.default.svc.cluster.local"',
      'destination_service_name="reviews"',
      'destination_service_namespace="default"',
      'destination_version="v1"',
      'request_protocol="http"',
      'response_flags="-"',
    ])
      expect(line).toContain(label);
    expect(line).toMatch(/ 10$/);
    expect(text).toMatch(/istio_requests_total\{.*response_code="503".*response_flags="UH".*\} 1/);
    expect(text).toMatch(/istio_request_duration_milliseconds_bucket\{.*le="\+Inf".*\} 10/);
  });

  it('have Envoy’s statistics of the clusters that were called', async () => {
    const register = new Registry();
    const mesh = await meshWith([prometheus({ register })]);
    for (let i = 0; i < 10; i += 1) expect(await get(mesh)).toBe('v1');
    const text = await register.metrics();
    const read = (statistic: string) => {
      const cluster = 'outbound\\|80\\|\\|reviews\\.default\\.svc\\.cluster\\.local';
      return Number(
        new RegExp(`^envoy_cluster_${statistic}\\{envoy_cluster_name="${cluster}"\\} (\\d+)$`, 'm').exec(text)?.[1],
      );
    };
    const retries = read('upstream_rq_retry');
    expect(retries).toBeGreaterThan(0);
    expect(read('upstream_rq_retry_success')).toBe(retries);
    expect(read('upstream_rq_total')).toBe(10 + retries);
    expect(read('membership_total')).toBe(2);
    expect(read('circuit_breakers_default_rq_open')).toBe(0);
    await mesh.close();
    expect(await register.metrics()).not.toContain('envoy_cluster_upstream_rq_total{');
  });
});

describe('spans of a mesh', () => {
  it('are one for a call and one child for each attempt, and the upstream gets the attempt’s context', async () => {
    const exporter = new InMemorySpanExporter();
    const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
    const mesh = await meshWith([opentelemetry({ tracerProvider })]);
    for (let i = 0; i < 10; i += 1) await get(mesh);
    const spans = exporter.getFinishedSpans();
    const calls = spans.filter((span) => span.parentSpanContext === undefined);
    const attempts = spans.filter((span) => span.parentSpanContext !== undefined);
    expect(calls).toHaveLength(10);
    expect(attempts.length).toBeGreaterThan(10);
    for (const attempt of attempts) {
      expect(calls.map((call) => call.spanContext().spanId)).toContain(attempt.parentSpanContext!.spanId);
    }
    const resent = attempts.filter((span) => span.attributes['http.request.resend_count'] === 1);
    expect(resent).toHaveLength(attempts.length - 10);
    expect(attempts.filter((span) => span.attributes['error.type'] === 'upstream_connection_failure')).toHaveLength(
      resent.length,
    );
  });
});
