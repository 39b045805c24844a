import { describe, expect, it } from 'vitest';
import { untilSubscribed } from './support/client-status.js';
import { grpcLibraries } from './support/grpc-peer.js';
import {
  destinationRule,
  grpcRoute,
  reviewsOf,
  startServers,
  startWorld,
  virtualService,
  weights,
} from './support/grpc-world.js';

const toReviews = 'route: [{ destination: { host: reviews } }]';

describe.each(grpcLibraries)('%s', (library) => {
  it('follows weights of 90/10, and 10/90 after a save', async () => {
    const servers = await startServers({ name: 'v1' }, { name: 'v2' });
    const { folder, caller } = await startWorld(library, {
      'reviews.yaml': reviewsOf(servers),
      'subsets.yaml': destinationRule('{}', ['v1', 'v2']),
      'weights.yaml': weights(90, 10),
    });
    const before = await caller.call(500);
    expect(before.messages).toEqual({});
    // Five standard deviations around 50.
    expect(before.servers.v2).toBeGreaterThan(16);
    expect(before.servers.v2).toBeLessThan(84);
    folder.write('weights.yaml', weights(10, 90));
    await expect.poll(async () => (await caller.call(50)).servers.v2, { timeout: 5000 }).toBeGreaterThan(25);
    const after = await caller.call(500);
    expect(after.messages).toEqual({});
    expect(after.servers.v1).toBeGreaterThan(16);
    expect(after.servers.v1).toBeLessThan(84);
  });

  it('routes by a header, and by the path of a method', async () => {
    const servers = await startServers({ name: 'v1' }, { name: 'v2' });
    const to = (subset: string) => `route: [{ destination: { host: reviews, subset: ${subset} } }]`;
    const byHeader = `{ match: [{ headers: { end-user: { exact: jason } } }], ${to('v2')} }`;
    const byPath = `{ match: [{ uri: { prefix: /grpc.testing.TestService } }], ${to('v1')} }`;
    const { caller } = await startWorld(library, {
      'reviews.yaml': reviewsOf(servers),
      'subsets.yaml': destinationRule('{}', ['v1', 'v2']),
      'rules.yaml': virtualService(`${byHeader}, ${byPath}, { match: [], ${to('v2')} }`),
    });
    expect((await caller.call(20, { metadata: { 'end-user': 'jason' } })).servers).toEqual({ v2: 20 });
    expect((await caller.call(20, { metadata: { 'end-user': 'ann' } })).servers).toEqual({ v1: 20 });
  });

  it('follows a GRPCRoute, and fails the share of a backend that is not there as UNAVAILABLE', async () => {
    const [v1, v2] = await startServers({ name: 'v1' }, { name: 'v2' });
    const to = (name: string) => `backendRefs: [{ name: ${name}, port: 9080 }]`;
    const unary = 'method: { service: grpc.testing.TestService, method: UnaryCall }';
    const byHeader = `{ matches: [{ ${unary}, headers: [{ name: End-User, value: jason }] }], ${to('v2')} }`;
    const byName = `{ matches: [{ method: { type: RegularExpression, service: "a|grpc[.].*" } }], ${to('v2')} }`;
    const { folder, caller } = await startWorld(library, {
      'reviews.yaml': reviewsOf([]),
      'v1.yaml': reviewsOf([v1!]).replaceAll('reviews', 'v1'),
      'v2.yaml': reviewsOf([v2!]).replaceAll('reviews', 'v2'),
      'route.yaml': grpcRoute(`${byName}, { matches: [{ ${unary} }], ${to('v1')} }, ${byHeader}`),
    });
    expect((await caller.call(20)).servers).toEqual({ v1: 20 });
    expect((await caller.call(20, { metadata: { 'end-user': 'jason' } })).servers).toEqual({ v2: 20 });
    folder.write('route.yaml', grpcRoute(byName));
    await expect.poll(async () => (await caller.call(20)).servers, { timeout: 5000 }).toEqual({ v2: 20 });
    folder.write('route.yaml', grpcRoute(`{ ${to('gone')} }`));
    await expect.poll(async () => (await caller.call(20)).statuses, { timeout: 5000 }).toEqual({ UNAVAILABLE: 20 });
  });

  it.each([
    ['grpcStatus: RESOURCE_EXHAUSTED', 'RESOURCE_EXHAUSTED'],
    ['httpStatus: 503', 'UNAVAILABLE'],
    ['httpStatus: 404', 'UNIMPLEMENTED'],
  ])('aborts calls with %s', async (abort, status) => {
    const servers = await startServers({ name: 'v1' });
    const fault = `fault: { abort: { percentage: { value: 100 }, ${abort} } }`;
    const { folder, caller } = await startWorld(library, {
      'reviews.yaml': reviewsOf(servers),
      'fault.yaml': virtualService(`{ ${fault}, ${toReviews} }`),
    });
    expect((await caller.call(50)).statuses).toEqual({ [status]: 50 });
    expect(servers[0]!.seen).toEqual([]);
    folder.write('fault.yaml', virtualService(`{ ${toReviews} }`));
    await expect.poll(async () => (await caller.call(10)).servers, { timeout: 5000 }).toEqual({ v1: 10 });
  });

  it('delays calls', async () => {
    const { caller } = await startWorld(library, {
      'reviews.yaml': reviewsOf(await startServers({ name: 'v1' })),
      'fault.yaml': virtualService(
        `{ fault: { delay: { percentage: { value: 100 }, fixedDelay: 0.3s } }, ${toReviews} }`,
      ),
    });
    const { statuses, shortestMs } = await caller.call(16);
    expect(statuses).toEqual({ OK: 16 });
    // Timers may be a millisecond early.
    expect(shortestMs).toBeGreaterThan(298);
  });

  it('sends calls with the same header to the same endpoint', async () => {
    const { caller } = await startWorld(library, {
      'reviews.yaml': reviewsOf(await startServers({ name: 'v1' }, { name: 'v2' }, { name: 'v3' })),
      'hash.yaml': destinationRule('{ loadBalancer: { consistentHash: { httpHeaderName: x-user } } }'),
    });
    const seen = new Set<string>();
    for (let user = 0; user < 30; user += 1) {
      const { servers, messages } = await caller.call(8, { metadata: { 'x-user': `user-${user}` } });
      expect(messages).toEqual({});
      expect(Object.keys(servers)).toHaveLength(1);
      seen.add(Object.keys(servers)[0]!);
    }
    expect([...seen].sort()).toEqual(['v1', 'v2', 'v3']);
  });

  it('waits for a host that does not exist yet, and calls it as soon as it does', async () => {
    const { folder, server, caller } = await startWorld(library, { 'reviews.yaml': reviewsOf([]) });
    const target = 'xds:///ratings.default.svc.cluster.local:9080';
    const call = caller.call(1, { target, timeoutMs: 14_000 });
    await untilSubscribed(server.addresses.debug, 'ratings.default.svc.cluster.local:9080');
    const servers = await startServers({ name: 'v1' });
    folder.write('ratings.yaml', reviewsOf(servers).replaceAll('reviews', 'ratings'));
    expect((await call).servers).toEqual({ v1: 1 });
  });
});

// grpc-js-xds 1.14 lets such a call wait until its deadline (its channel gets no config selector without endpoints).
it('tells a grpc-go caller of a host that does not exist within the 15 s that it waits for a resource', async () => {
  const { caller } = await startWorld('grpc-go', { 'reviews.yaml': reviewsOf([]) });
  const target = 'xds:///nothing.default.svc.cluster.local:9080';
  const { messages } = await caller.call(1, { target, timeoutMs: 60_000 });
  expect(messages.UNAVAILABLE).toContain('nothing.default.svc.cluster.local:9080');
});
