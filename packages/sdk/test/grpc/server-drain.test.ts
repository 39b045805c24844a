import { once } from 'node:events';
import { connect } from 'node:net';
import * as grpc from '@grpc/grpc-js';
import { FakeClock, testRetryPolicy, testThresholds } from '@inmesh/core/testing';
import { describe, expect, it } from 'vitest';
import { GrpcServers } from '../../src/grpc/server/grpc-servers.js';
import { silentLogger } from '../../src/logger.js';
import type { StaticMesh } from '../support/static-mesh.js';
import { check, healthClient, watch } from './health-client.js';
import { type Payload, payload, type TestClient, TestService, testServiceMethods } from './interop-service.js';
import {
  type Answer,
  begin,
  gate,
  type Handlers,
  handlersOfAllKinds,
  type Kind,
  kinds,
  listen,
  type Served,
  until,
} from './server-support.js';
import { clientOf, keep, startMesh } from './support.js';

/** A server with a health service, as a pod would start it. */
async function startPod(
  mesh: StaticMesh,
  handlers: Handlers,
  servers: Pick<GrpcServers, 'addHealth'> = mesh.grpc,
): Promise<Served> {
  const server = new grpc.Server({ interceptors: [mesh.grpc.serverInterceptor()] });
  server.addService(testServiceMethods, handlers as grpc.UntypedServiceImplementation);
  servers.addHealth(server, []);
  return keep(await listen(server));
}

/** Streams of both sides last for some messages, and unary calls for a while. */
const working: Handlers = {
  UnaryCall: (_call, callback) => void setTimeout(() => callback(null, { payload: payload(10), username: '' }), 3),
  StreamingInputCall: (call, callback) => {
    let size = 0;
    call.on('data', (message) => {
      size += message.payload.body.length;
    });
    call.on('end', () => callback(null, { aggregated_payload_size: size }));
  },
  StreamingOutputCall: (call) => {
    let left = 5;
    const more = () => {
      call.write({ payload: payload(100) });
      left -= 1;
      if (left > 0) setTimeout(more, 2);
      else call.end();
    };
    more();
  },
  FullDuplexCall: (call) => {
    call.on('data', () => call.write({ payload: payload(100) }));
    call.on('end', () => call.end());
  },
};

/** A call with some messages. */
function callOnce(client: TestClient, kind: Kind): Promise<grpc.StatusObject> {
  if (kind === 'StreamingInputCall') return send(client.StreamingInputCall(new grpc.Metadata(), {}, () => {}));
  return kind === 'FullDuplexCall' ? send(client.FullDuplexCall().resume()) : begin(client, kind).ended;
}

function send(call: grpc.ClientWritableStream<{ payload: Payload }>): Promise<grpc.StatusObject> {
  let left = 4;
  const more = () => {
    call.write({ payload: payload(100) }, () => {});
    left -= 1;
    if (left > 0) setTimeout(more, 2);
    else call.end();
  };
  more();
  call.on('error', () => {}); // its status says the same
  return new Promise((resolve) => call.on('status', resolve));
}

/** Calls of every kind, several at a time, until they are told to stop. */
function startLoad(client: TestClient) {
  const outcome = { ok: 0, failed: [] as string[] };
  let isRunning = true;
  const worker = async (first: number) => {
    for (let i = first; isRunning; i += 1) {
      const kind = kinds[i % kinds.length]!;
      const { code, details } = await callOnce(client, kind);
      if (code === grpc.status.OK) outcome.ok += 1;
      else outcome.failed.push(`${kind}: ${code} ${details}`);
    }
  };
  const workers = Array.from({ length: 12 }, (_, i) => worker(i));
  const stop = async () => {
    isRunning = false;
    await Promise.all(workers);
    return outcome;
  };
  const goesOn = () => {
    const enough = outcome.ok + 30;
    return until(() => outcome.ok > enough);
  };
  return { goesOn, stop };
}

describe('a rolling restart under load', () => {
  it('loses no call where the endpoint is withdrawn when its health says so', async () => {
    // Time stands still until the endpoint is withdrawn, however slow the machine is.
    const clock = new FakeClock();
    const servers = new GrpcServers({ clock, logger: silentLogger });
    const serverMesh = startMesh([]);
    const pods = [await startPod(serverMesh, working, servers), await startPod(serverMesh, working, servers)];
    const mesh = startMesh(pods);
    const load = startLoad(clientOf(mesh));
    for (let restart = 0; restart < 4; restart += 1) {
      const old = pods[restart % 2]!;
      const watched = watch(keep(healthClient(old.port)));
      await until(() => watched.said.length === 1);
      await load.goesOn();
      const drained = servers.drain(old.server, {});
      await until(() => watched.said.at(-1) === 'NOT_SERVING');
      mesh.setPorts(pods.filter((pod) => pod !== old).map(({ port }) => port));
      await load.goesOn(); // what was on its way to the old one has arrived
      clock.advance(300);
      await drained;
      pods[restart % 2] = await startPod(serverMesh, working, servers);
      mesh.setPorts(pods.map(({ port }) => port));
    }
    const { ok, failed } = await load.stop();
    expect(failed).toEqual([]);
    expect(ok).toBeGreaterThan(200);
  });

  it('loses no call where callers hear of it by GOAWAY alone, and retry connections', async () => {
    const serverMesh = startMesh([]);
    const pods = [await startPod(serverMesh, working), await startPod(serverMesh, working)];
    const on = new Set(['connect-failure', 'refused-stream'] as const);
    const retry = testRetryPolicy({ on, attempts: 2, backoff: { baseMs: 1, maxMs: 5 } });
    // As Istio sets it; with Envoy's 3, of 12 calls that find the same server gone 9 would fail.
    const thresholds = { ...testThresholds, maxRetries: 2 ** 32 - 1 };
    const mesh = startMesh(pods, { retry, cluster: { circuitBreakers: { default: thresholds, high: thresholds } } });
    const load = startLoad(clientOf(mesh));
    for (let restart = 0; restart < 4; restart += 1) {
      await load.goesOn();
      await serverMesh.grpc.drainServer(pods[restart % 2]!.server, { withdrawMs: 0, graceMs: 5000 });
      pods[restart % 2] = await startPod(serverMesh, working);
      mesh.setPorts(pods.map(({ port }) => port));
    }
    const { failed } = await load.stop();
    expect(failed).toEqual([]);
  });
});

describe('draining a server', () => {
  async function servePending(servers?: GrpcServers) {
    const mesh = startMesh([]);
    const pending: { kind: string; answer: Answer }[] = [];
    const pod = await startPod(
      mesh,
      handlersOfAllKinds((call, answer) => pending.push({ kind: call.getPath(), answer })),
      servers,
    );
    const client = clientOf(startMesh([pod]));
    return { mesh, pod, pending, client };
  }

  it('answers new calls until the endpoint can be withdrawn, and lets those under way end', async () => {
    const clock = new FakeClock();
    const servers = new GrpcServers({ clock, logger: silentLogger });
    const { pod, pending, client } = await servePending(servers);
    const calls = kinds.map((kind) => begin(client, kind));
    await until(() => pending.length === 4);
    const probe = keep(healthClient(pod.port));
    let isDown = false;
    const drained = servers.drain(pod.server, {}).then(() => {
      isDown = true;
    });
    expect(await check(probe)).toBe('NOT_SERVING');
    calls.push(begin(client, 'UnaryCall'));
    await until(() => pending.length === 5);
    clock.advance(300);
    await untilRefused(pod.port);
    expect(isDown).toBe(false);
    for (const { answer } of pending) answer({ code: 0 });
    expect((await Promise.all(calls.map(({ ended }) => ended))).map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
    await drained;
  });

  it.each(kinds)('makes a %s that takes longer than the grace time UNAVAILABLE', async (kind) => {
    const { mesh, pod, pending, client } = await servePending();
    const plainClient = keep(new TestService(`127.0.0.1:${pod.port}`, grpc.credentials.createInsecure()));
    const calls = [begin(client, kind), begin(plainClient, kind)];
    await until(() => pending.length === 2);
    await mesh.grpc.drainServer(pod.server, { withdrawMs: 0, graceMs: 30 });
    const ended = await Promise.all(calls.map((call) => call.ended));
    expect(ended.map(({ code }) => code)).toEqual([grpc.status.UNAVAILABLE, grpc.status.UNAVAILABLE]);
  });

  it('cuts a stream in the middle, UNAVAILABLE to its client and cancelled for its handler', async () => {
    const mesh = startMesh([]);
    const cancelled = gate();
    const pod = await startPod(mesh, {
      StreamingOutputCall: (call) => {
        call.on('cancelled', () => cancelled.open());
        call.write({ payload: payload(1) });
      },
    });
    const stream = clientOf(startMesh([pod])).StreamingOutputCall({});
    stream.on('error', () => {}); // its status says the same
    const ended = new Promise<grpc.StatusObject>((resolve) => stream.on('status', resolve));
    await once(stream, 'data');
    await mesh.grpc.drainServer(pod.server, { withdrawMs: 0, graceMs: 30 });
    expect((await ended).code).toBe(grpc.status.UNAVAILABLE);
    await cancelled.passed;
  });

  it('is not held up by a watch of its health', async () => {
    const { mesh, pod } = await servePending();
    const watched = watch(keep(healthClient(pod.port)));
    await until(() => watched.said.length === 1);
    const late = gate<'late'>();
    const timer = setTimeout(() => late.open('late'), 10_000);
    const first = await Promise.race([
      late.passed,
      mesh.grpc.drainServer(pod.server, { withdrawMs: 0, graceMs: 60_000 }),
    ]);
    clearTimeout(timer);
    expect(first).toBeUndefined();
    expect((await watched.ended).code).toBe(grpc.status.UNAVAILABLE);
  });

  it('twice is once, and needs no health service', async () => {
    const mesh = startMesh([]);
    const server = new grpc.Server();
    await listen(server);
    await Promise.all([mesh.grpc.drainServer(server, { withdrawMs: 0 }), mesh.grpc.drainServer(server)]);
  });

  it.each([{ graceMs: -1 }, { withdrawMs: Number.NaN }, { graceMs: Number.POSITIVE_INFINITY }])(
    'with %o is refused',
    async (options) => {
      const drain = startMesh([]).grpc.drainServer(new grpc.Server(), options);
      await expect(drain).rejects.toThrow(/is not a time in ms/);
    },
  );
});

/** Settles when nothing listens there any more. */
async function untilRefused(port: number): Promise<void> {
  for (let refused = false; !refused; ) {
    const socket = connect(port, '127.0.0.1');
    refused = await new Promise((resolve) => {
      socket.on('connect', () => resolve(false));
      socket.on('error', () => resolve(true));
    });
    socket.destroy();
  }
}
