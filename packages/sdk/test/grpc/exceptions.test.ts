import * as grpc from '@grpc/grpc-js';
import type { RetryPolicy } from '@inmesh/core';
import { testRetryPolicy } from '@inmesh/core/testing';
import { request } from 'undici';
import { describe, expect, it } from 'vitest';
import type { StaticMesh } from '../support/static-mesh.js';
import { httpServer } from '../support/test-server.js';
import { TestService } from './interop-service.js';
import { begin, kinds } from './server-support.js';
import { clientOf, keep, startMesh, startServer, unary } from './support.js';

/** No configuration makes such ones. */
const brokenPolicies: readonly (readonly [string, RetryPolicy])[] = [
  ['when a reply is judged', testRetryPolicy({ on: undefined as never })],
  [
    'before an attempt is made',
    {
      ...testRetryPolicy(),
      get attempts(): number {
        throw new TypeError('broken');
      },
    },
  ],
  ['at an attempt', { ...testRetryPolicy(), perTryTimeoutMs: 1n as never }],
];

function expectNothingHeld({ internals }: StaticMesh): void {
  const { state, endpoints } = internals.snapshots.current.clusters.get('reviews')!;
  const { requests, pendingRequests, retries } = state.breaker;
  expect({ requests, pendingRequests, retries }).toEqual({ requests: 0, pendingRequests: 0, retries: 0 });
  expect(endpoints.map((endpoint) => endpoint.state.inFlight)).toEqual(endpoints.map(() => 0));
}

describe.each(brokenPolicies)('an exception on the way of a call, %s,', (_, retry) => {
  it.each(kinds)('ends a %s with INTERNAL, and holds nothing', async (kind) => {
    const server = await startServer({
      unary: async () => ({ code: 14, details: 'no' }),
      output: (call) => call.emit('error', { code: 14, details: 'no' }),
    });
    const mesh = startMesh([server], { retry, timeoutMs: 5000 });
    const client = clientOf(mesh);
    expect((await begin(client, kind).ended).code).toBe(grpc.status.INTERNAL);
    expectNothingHeld(mesh);
    client.close();
    await mesh.grpc.close();
  });

  it('ends a request with 500, and holds nothing', async () => {
    const server = keep(await httpServer((_request, response) => response.writeHead(503).end('no')));
    const mesh = startMesh([server], { retry, timeoutMs: 5000 });
    await expect(request('http://reviews/', { dispatcher: mesh.dispatcher })).rejects.toMatchObject({
      reason: 'internal',
    });
    await mesh.pools.close();
    expectNothingHeld(mesh);
  });
});

describe('an exception of a client’s own', () => {
  function ownChannelClient(mesh: StaticMesh, port: number, interceptors: readonly grpc.Interceptor[]) {
    const all = [mesh.grpc.interceptor('reviews:80'), ...interceptors];
    return keep(new TestService(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), { interceptors: all }));
  }

  it('interceptor behind the mesh’s ends the call', async () => {
    const server = await startServer();
    const mesh = startMesh([server]);
    const throwing: grpc.Interceptor = (options, next) =>
      new grpc.InterceptingCall(next(options), {
        start() {
          throw new TypeError('broken');
        },
      });
    const client = ownChannelClient(mesh, server.port, [throwing]);
    expect((await unary(client)).status).toMatchObject({ code: grpc.status.INTERNAL });
    expectNothingHeld(mesh);
  });

  it('message that cannot be written is told as by grpc-js', async () => {
    const server = await startServer();
    const mesh = startMesh([server]);
    const client = ownChannelClient(mesh, server.port, []);
    const broken = {
      get payload(): never {
        throw new TypeError('broken');
      },
    };
    const { status } = await unary(client, broken);
    expect(status.code).toBe(grpc.status.INTERNAL);
    expect(status.details).toContain('Request message serialization failure');
    expectNothingHeld(mesh);
  });
});
