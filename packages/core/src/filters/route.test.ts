import { describe, expect, it } from 'vitest';
import { SnapshotAssembler } from '../assemble.js';
import type { Call } from '../call.js';
import { MeshError } from '../errors.js';
import type { HeaderMutations, Route } from '../model/route.js';
import type { Service } from '../service.js';
import { FakeReply } from '../testing/fake-reply.js';
import {
  FakeClock,
  seededRandom,
  type TestCallInit,
  testCall,
  testCluster,
  testForward,
  testHash64,
  testRoute,
  testRouteConfiguration,
} from '../testing/index.js';
import { routeFilter } from './route.js';

const name = 'reviews:80';

async function sendOn(route: Route, init: TestCallInit = {}, cancelled?: MeshError) {
  const random = seededRandom(1);
  const assembler = new SnapshotAssembler({ clock: new FakeClock(), random, hash64: testHash64, searchDomains: [] });
  const snapshot = assembler.assemble({
    listeners: new Map([[name, { name, routes: name }]]),
    routes: new Map([[name, testRouteConfiguration([{ domains: ['*'], routes: [route] }], name)]]),
    clusters: new Map([['reviews', testCluster()]]),
    assignments: new Map(),
  });
  const reached: Call[] = [];
  const next: Service = async (call) => {
    reached.push(call);
    return new FakeReply(200);
  };
  const call = testCall({ snapshot, ...init });
  if (cancelled !== undefined) call.cancel(cancelled);
  return { reply: await routeFilter(random)(next)(call), call, reached };
}

const overwrite = (header: string, value: string): HeaderMutations => ({
  remove: [],
  write: [{ name: header, value: [{ kind: 'text', text: value }], action: 'overwrite', keepEmpty: false }],
});

describe('a route that answers by itself', () => {
  it('gives a direct response, as plain text', async () => {
    const { reply, reached } = await sendOn(
      testRoute({ action: { kind: 'directResponse', httpStatus: 403, body: 'no' } }),
    );
    expect(reply).toMatchObject({ httpStatus: 403, flags: '' });
    expect(reply.header('content-type')).toBe('text/plain');
    expect(reached).toEqual([]);
  });

  it('gives an empty direct response without a type', async () => {
    const { reply } = await sendOn(testRoute({ action: { kind: 'directResponse', httpStatus: 204, body: '' } }));
    expect(reply.header('content-type')).toBeUndefined();
  });

  it('lets the route’s own headers give the type', async () => {
    const { reply } = await sendOn(
      testRoute({
        action: { kind: 'directResponse', httpStatus: 200, body: '{}' },
        responseHeaders: [overwrite('content-type', 'application/json')],
      }),
    );
    expect(reply.header('content-type')).toBe('application/json');
  });

  it('gives none to a call that was cancelled', async () => {
    const reason = new MeshError('caller_cancelled');
    const route = testRoute({ action: { kind: 'directResponse', httpStatus: 200, body: '' } });
    await expect(sendOn(route, {}, reason)).rejects.toBe(reason);
  });

  it('redirects with a location and the route’s headers', async () => {
    const { reply, call } = await sendOn(
      testRoute({
        action: {
          kind: 'redirect',
          httpStatus: 308,
          scheme: undefined,
          host: 'new.example',
          port: undefined,
          path: { kind: 'prefix', value: '/v2' },
          stripQuery: false,
        },
        match: { path: { kind: 'prefix', value: '/v1', ignoreCase: false } },
        responseHeaders: [overwrite('x-moved', 'yes')],
      }),
      { path: '/v1/books?id=7' },
    );
    expect(reply.httpStatus).toBe(308);
    expect(reply.header('location')).toBe('http://new.example/v2/books?id=7');
    expect(reply.header('x-moved')).toBe('yes');
    expect(call).toMatchObject({ action: undefined, cluster: undefined });
  });
});

describe('a route that forwards', () => {
  it('fills in the action with the request’s own overrides, the target and the cluster', async () => {
    const action = testForward({ timeoutMs: 1000 });
    const plain = await sendOn(testRoute({ action }));
    expect(plain.call.action).toBe(action);
    expect(plain.call.cluster?.cluster.name).toBe('reviews');
    const own = await sendOn(testRoute({ action }), {
      headers: { 'x-envoy-max-retries': '3', 'x-envoy-retry-on': '5xx' },
    });
    expect(own.call.action?.retry).toMatchObject({ attempts: 3 });
    expect(own.call.headers.flat).toEqual([]);
  });

  it('needs its cluster', async () => {
    await expect(sendOn(testRoute({ cluster: 'nowhere' }))).rejects.toMatchObject({
      reason: 'no_cluster',
      cluster: 'nowhere',
    });
  });

  it('leaves a missing cluster to the fault filter where a fault may come first', async () => {
    const abort = { httpStatus: 500, grpcStatus: undefined, perMillion: 1_000_000 };
    const fault = { delay: undefined, abort, headers: [], maxActive: Number.POSITIVE_INFINITY };
    const action = testForward({ targets: [{ cluster: 'nowhere', weight: 1, fault }] });
    const { reached } = await sendOn(testRoute({ action }));
    expect(reached[0]).toMatchObject({ cluster: undefined, target: { cluster: 'nowhere' } });
  });
});
