import * as grpc from '@grpc/grpc-js';
import type { InboundListener } from '@inmesh/core';
import { FakeClock } from '@inmesh/core/testing';
import { describe, expect, it } from 'vitest';
import type { GrpcServerOptions } from '../../src/grpc/index.js';
import { GrpcServers } from '../../src/grpc/server/grpc-servers.js';
import { decodeRequest, encodeStatuses } from '../../src/grpc/server/health-messages.js';
import { silentLogger } from '../../src/logger.js';
import { RecordingTelemetry } from '../server/recording-telemetry.js';
import { check, type HealthClient, healthClient, watch } from './health-client.js';
import { listen, until } from './server-support.js';
import { keep, startMesh } from './support.js';

async function serveHealth(
  services: readonly string[] = [],
  options: GrpcServerOptions = {},
  meshOptions: Parameters<typeof startMesh>[1] = {},
) {
  const telemetry = new RecordingTelemetry();
  const mesh = startMesh([], { telemetry: [telemetry], ...meshOptions });
  const server = new grpc.Server({ interceptors: [mesh.grpc.serverInterceptor(options)] });
  const health = mesh.grpc.addHealth(server, services);
  const { port } = keep(await listen(server));
  return { health, mesh, server, telemetry, client: keep(healthClient(port)) };
}

describe('the health service', () => {
  it('says SERVING of the server and of its services, and NOT_FOUND of others', async () => {
    const { client, health } = await serveHealth(['shop.Reviews']);
    expect([await check(client), await check(client, ''), await check(client, 'shop.Reviews')]).toEqual([
      'SERVING',
      'SERVING',
      'SERVING',
    ]);
    expect(await check(client, 'shop.Ratings')).toBe(grpc.status.NOT_FOUND);
    health.setStatus('shop.Reviews', 'NOT_SERVING');
    health.setStatus('shop.Ratings', 'SERVING');
    expect([await check(client), await check(client, 'shop.Reviews'), await check(client, 'shop.Ratings')]).toEqual([
      'SERVING',
      'NOT_SERVING',
      'SERVING',
    ]);
  });

  it('lists what it knows', async () => {
    const { client } = await serveHealth(['shop.Reviews']);
    const listed = await new Promise((resolve) => client.List({}, (_error, response) => resolve(response)));
    expect(listed).toEqual({ statuses: { '': { status: 'SERVING' }, 'shop.Reviews': { status: 'SERVING' } } });
  });

  it('tells a watch the status and each change of it, of a service that comes to be known too', async () => {
    const { client, health } = await serveHealth();
    const whole = watch(client);
    const unknown = watch(client, 'shop.Reviews');
    await until(() => whole.said.length === 1 && unknown.said.length === 1);
    health.setStatus('', 'SERVING');
    health.setStatus('', 'NOT_SERVING');
    health.setStatus('shop.Reviews', 'SERVING');
    await until(() => whole.said.length === 2 && unknown.said.length === 2);
    expect([whole.said, unknown.said]).toEqual([
      ['SERVING', 'NOT_SERVING'],
      ['SERVICE_UNKNOWN', 'SERVING'],
    ]);
    whole.cancel();
    unknown.cancel();
    expect((await whole.ended).code).toBe(grpc.status.CANCELLED);
  });

  it('tells a watch that reads slowly the newest status, and keeps none between', async () => {
    const { client, health } = await serveHealth(['shop.Reviews']);
    const one = watch(client, 'shop.Reviews');
    await until(() => one.said.length === 1);
    for (let i = 0; i < 1001; i += 1) health.setStatus('shop.Reviews', i % 2 === 0 ? 'NOT_SERVING' : 'SERVING');
    await until(() => one.said.length >= 17 && one.said.at(-1) === 'NOT_SERVING');
    expect(one.said.length).toBeLessThan(25);
    health.setStatus('shop.Reviews', 'SERVING');
    await until(() => one.said.at(-1) === 'SERVING');
    one.cancel();
  });

  it('is NOT_SERVING for good once the server is drained', async () => {
    const clock = new FakeClock();
    const servers = new GrpcServers({ clock, logger: silentLogger });
    const server = new grpc.Server();
    const health = servers.addHealth(server, ['shop.Reviews']);
    const client = keep(healthClient(keep(await listen(server)).port));
    const watched = watch(client, 'shop.Reviews');
    await until(() => watched.said.length === 1);
    const drained = servers.drain(server, {});
    health.setStatus('shop.Reviews', 'SERVING');
    expect([await check(client), await check(client, 'shop.Reviews')]).toEqual(['NOT_SERVING', 'NOT_SERVING']);
    clock.advance(300);
    expect(await watched.ended).toMatchObject({
      code: grpc.status.UNAVAILABLE,
      details: 'the server is shutting down',
    });
    expect(watched.said).toEqual(['SERVING', 'NOT_SERVING']);
    await drained;
  });

  const list = (client: HealthClient) =>
    new Promise((resolve) => client.List({}, (error, response) => resolve(error?.code ?? response)));

  it('is checked past limits and telemetry: a refused probe would have the process restarted', async () => {
    const { client, telemetry } = await serveHealth([], { maxConcurrent: 1 });
    const watched = watch(client);
    await until(() => watched.said.length === 1);
    expect(await check(client)).toBe('SERVING');
    expect(await list(client)).toBe(grpc.status.RESOURCE_EXHAUSTED);
    expect((await watch(client).ended).code).toBe(grpc.status.RESOURCE_EXHAUSTED);
    expect(telemetry.started).toHaveLength(3);
    watched.cancel();
  });

  it('is watched and listed by whom `authorize` lets in', async () => {
    const { client } = await serveHealth([], { authorize: () => ({ code: 7, details: 'no' }) });
    expect([await check(client), await list(client), (await watch(client).ended).code]).toEqual(['SERVING', 7, 7]);
  });

  it('is behind the policies, but for probes that are asked for', async () => {
    const nobody: InboundListener = {
      name: 'virtualInbound',
      chains: [
        {
          ...{ port: 0, transport: 'plaintext', clientCertificate: 'optional' },
          filters: [{ kind: 'rbac', rules: { action: 'allow', policies: [] }, shadow: false }],
        },
      ],
    };
    for (const takesGrpcProbes of [false, true]) {
      const { client } = await serveHealth([], {}, { inbound: nobody, internals: { takesGrpcProbes } });
      expect(await check(client)).toBe(takesGrpcProbes ? 'SERVING' : grpc.status.PERMISSION_DENIED);
      expect(await list(client)).toBe(grpc.status.PERMISSION_DENIED);
      expect((await watch(client).ended).code).toBe(grpc.status.PERMISSION_DENIED);
    }
  });

  it('is there once', async () => {
    const { mesh, server } = await serveHealth();
    expect(() => mesh.grpc.addHealth(server)).toThrow('the server has a health service already');
  });
});

describe('a request for health', () => {
  it('may have fields of a later version', () => {
    const later = Buffer.from([
      0x10, 0x96, 0x01, 0x1a, 0x01, 0x41, 0x0a, 0x02, 0x68, 0x69, 0x25, 0, 0, 0, 0, 0x29, 0, 0, 0, 0, 0, 0, 0, 0,
    ]);
    expect(decodeRequest(later)).toEqual({ service: 'hi' });
    expect(decodeRequest(Buffer.alloc(0))).toEqual({ service: '' });
  });

  it.each([
    ['a length beyond its end', [0x0a, 0x05, 0x41]],
    ['no end of a number', [0x0a, 0x80]],
    ['a number that is too long', [0x0a, ...Array(10).fill(0xff), 0x01]],
    ['half a tag', [0x8a]],
    ['a group', [0x0b]],
  ])('with %s is refused', (_what, bytes) => {
    expect(() => decodeRequest(Buffer.from(bytes))).toThrow('HealthCheckRequest');
  });

  it('of a long name is listed whole', () => {
    const name = 'x'.repeat(300);
    const listed = encodeStatuses(new Map([[name, 'SERVING']]));
    expect(listed.subarray(0, 3)).toEqual(Buffer.from([0x0a, 0xb3, 0x02]));
    expect(listed.includes(Buffer.from(name))).toBe(true);
  });
});
