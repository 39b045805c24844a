import * as grpc from '@grpc/grpc-js';
import { testOutlierDetection, testRetryPolicy } from '@inmesh/core/testing';
import { describe, expect, it } from 'vitest';
import { parseTarget } from '../../src/grpc/target.js';
import { TestService } from './interop-service.js';
import { clientOf, keep, metadataOf, startMesh, startServer, unary } from './support.js';

describe('a target', () => {
  it.each([
    ['reviews:9080', 'http', 'reviews:9080'],
    ['Reviews', 'http', 'reviews'],
    ['dns:///reviews:9080', 'http', 'reviews:9080'],
    ['dns:reviews:9080', 'http', 'reviews:9080'],
    ['xds:///reviews.default.svc.cluster.local:9080', 'http', 'reviews.default.svc.cluster.local:9080'],
    ['dns://8.8.8.8/reviews:80', 'http', 'reviews:80'],
    ['http://reviews:9080/', 'http', 'reviews:9080'],
    ['https://reviews', 'https', 'reviews'],
    ['10.0.0.1:80', 'http', '10.0.0.1:80'],
    ['[::1]:80', 'http', '[::1]:80'],
  ])('%s means %s and %s', (text, scheme, authority) => {
    expect(parseTarget(text, false)).toEqual({ scheme, authority });
  });

  it('is encrypted with credentials that are', () => {
    expect(parseTarget('reviews:443', true).scheme).toBe('https');
  });

  it.each(['', 'unix:/tmp/a', 'unix:///tmp/a', 'http://a/b', 'a b', 'reviews:port', 'a:1:2'])('is not %j', (text) => {
    expect(() => parseTarget(text, false)).toThrow('is no target of a gRPC call');
  });
});

/** In the place of the test runner, to which it would be a failure. */
function nextUncaught(): Promise<Error> {
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  return new Promise((resolve) => {
    process.once('uncaughtException', (error) => {
      for (const listener of listeners) process.on('uncaughtException', listener);
      resolve(error);
    });
  });
}

describe('a channel through the mesh', () => {
  it('serves a client as its channelOverride', async () => {
    const mesh = startMesh([await startServer()]);
    const channelOverride = mesh.grpc.channel('reviews:80');
    const client = keep(new TestService('ignored', grpc.credentials.createInsecure(), { channelOverride }));
    expect((await unary(client)).error).toBeNull();
    expect(client.getChannel().getTarget()).toBe('reviews:80');
  });

  it('is refused credentials of another copy of grpc-js', () => {
    const credentials = { _isSecure: () => false } as unknown as grpc.ChannelCredentials;
    expect(() => startMesh([]).grpc.channel('reviews:80', { credentials })).toThrow(/credentials: not made by/);
  });

  it('takes a deadline that no grpc-timeout can say', async () => {
    const client = clientOf(startMesh([await startServer()]));
    expect((await unary(client, {}, { deadline: Number.MAX_SAFE_INTEGER })).error).toBeNull();
  });

  it('blames the caller for metadata that HTTP/2 forbids, and not the endpoint', async () => {
    const mesh = startMesh([await startServer()], {
      retry: testRetryPolicy(),
      cluster: { outlierDetection: testOutlierDetection({ consecutive5xx: 1 }) },
    });
    const client = clientOf(mesh);
    const { error } = await unary(client, {}, { metadata: { connection: 'close' } });
    expect(error).toMatchObject({ code: grpc.status.INTERNAL, details: expect.stringContaining('forbidden') });
    const { state } = mesh.internals.snapshots.current.clusters.get('reviews')!;
    expect([state.counters.upstreamRqRetry, state.outlierDetector?.ejectedHosts]).toEqual([0, 0]);
  });

  it('is ready where some endpoint takes calls', async () => {
    const mesh = startMesh([await startServer()]);
    await new Promise<void>((resolve, reject) =>
      clientOf(mesh).waitForReady(Date.now() + 1000, (error) => (error ? reject(error) : resolve())),
    );
  });

  it('becomes ready when one comes', async () => {
    const mesh = startMesh([]);
    const ready = new Promise<Error | undefined>((resolve) => clientOf(mesh).waitForReady(Date.now() + 5000, resolve));
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    mesh.setPorts([1]);
    expect(await ready).toBeUndefined();
  });

  it('tells when it has not become ready in time', async () => {
    const error = await new Promise<Error | undefined>((resolve) =>
      clientOf(startMesh([])).waitForReady(Date.now() + 30, resolve),
    );
    expect(error?.message).toBe('Failed to connect before the deadline');
  });

  it('takes no calls once it is closed', () => {
    const channel = startMesh([]).grpc.channel('reviews:80');
    channel.close();
    channel.close();
    expect(channel.getConnectivityState(true)).toBe(grpc.connectivityState.SHUTDOWN);
    expect(() => channel.createCall('/a/b', Infinity, null, null, null)).toThrow('Channel has been shut down');
  });

  it('passes call credentials on', async () => {
    const server = await startServer();
    const credentials = grpc.credentials.createFromMetadataGenerator((_, callback) => {
      const metadata = new grpc.Metadata();
      metadata.set('authorization', 'Bearer abc');
      callback(null, metadata);
    });
    expect((await unary(clientOf(startMesh([server])), {}, { credentials })).error).toBeNull();
    expect(server.metadata[0]!.get('authorization')).toEqual(['Bearer abc']);
  });

  it('sends a call to another host where it is told one', async () => {
    const hosts: string[] = [];
    const server = await startServer({
      unary: async (call) => {
        hosts.push(call.getHost());
        return undefined;
      },
    });
    await unary(clientOf(startMesh([server])), {}, { host: 'another.example' });
    expect(hosts).toEqual(['another.example']);
  });

  it('leaves an error that the caller’s callback throws to the process, as grpc-js does', async () => {
    const client = clientOf(startMesh([]));
    const uncaught = nextUncaught();
    client.EmptyCall({}, new grpc.Metadata(), {}, () => {
      throw new Error('the callback’s own');
    });
    expect(await uncaught).toMatchObject({ message: 'the callback’s own' });
  });

  it('ends a call whose listener throws, and holds nothing of it', async () => {
    const mesh = startMesh([await startServer()]);
    const uncaught = nextUncaught();
    const call = clientOf(mesh).FullDuplexCall(metadataOf({ 'x-grpc-test-echo-initial': '1' }));
    call.on('error', () => {});
    call.once('metadata', () => {
      throw new Error('the listener’s own');
    });
    const ended = new Promise<grpc.StatusObject>((resolve) => call.once('status', resolve));
    expect(await uncaught).toMatchObject({ message: 'the listener’s own' });
    expect((await ended).code).toBe(grpc.status.INTERNAL);
    const { state, endpoints } = mesh.internals.snapshots.current.clusters.get('reviews')!;
    expect([state.breaker.requests, endpoints[0]!.state.inFlight]).toEqual([0, 0]);
  });

  it('says where the answer came from', async () => {
    const server = await startServer();
    const call = clientOf(startMesh([server])).EmptyCall({}, new grpc.Metadata(), {}, () => {});
    await new Promise((resolve) => call.on('status', resolve));
    expect(call.getPeer()).toBe(`127.0.0.1:${server.port}`);
  });

  it('runs a client’s own interceptors', async () => {
    const server = await startServer();
    const interceptor: grpc.Interceptor = (options, nextCall) =>
      new grpc.InterceptingCall(nextCall(options), {
        start(metadata, listener, next) {
          metadata.set('x-own', '1');
          next(metadata, listener);
        },
      });
    await unary(clientOf(startMesh([server]), { interceptors: [interceptor] }));
    expect(server.metadata[0]!.get('x-own')).toEqual(['1']);
  });
});

describe('the end of a mesh', () => {
  it('waits for calls under way, and refuses new ones', async () => {
    let answer: (() => void) | undefined;
    const server = await startServer({
      unary: () =>
        new Promise((resolve) => {
          answer = () => resolve(undefined);
        }),
    });
    const mesh = startMesh([server]);
    const client = clientOf(mesh);
    const first = unary(client);
    await server.untilSeen(1);
    const closed = mesh.grpc.close();
    expect((await unary(client)).error?.details).toContain('mesh_closed');
    answer!();
    expect((await first).error).toBeNull();
    await closed;
  });

  it('ends calls that take too long', async () => {
    const server = await startServer({ unary: () => new Promise(() => {}) });
    const mesh = startMesh([server]);
    const first = unary(clientOf(mesh));
    await server.untilSeen(1);
    await mesh.grpc.destroy();
    expect((await first).error).toMatchObject({ code: 14, details: expect.stringContaining('mesh_closed') });
  });
});
