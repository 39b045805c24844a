import { describe, expect, it } from 'vitest';
import { SnapshotAssembler } from '../assemble.js';
import type { Call } from '../call.js';
import type { HashPolicy } from '../model/route.js';
import { FakeReply } from '../testing/fake-reply.js';
import { FakeClock, testCall, testCluster, testForward, testHash64, testRoute } from '../testing/index.js';
import { hashKeyFilter } from './hash-key.js';

const byVersion: HashPolicy = { kind: 'header', name: 'version', rewrite: undefined, terminal: false };
const byCookie: HashPolicy = { kind: 'cookie', name: 'user', ttlMs: 3_600_500, path: '/a', terminal: false };

function callTo(kind: 'maglev' | 'random', hash: readonly HashPolicy[]): Call {
  const loadBalancer = kind === 'maglev' ? ({ kind, tableSize: 7 } as const) : ({ kind } as const);
  const random = () => 0;
  const assembler = new SnapshotAssembler({ clock: new FakeClock(), random, hash64: testHash64, searchDomains: [] });
  const snapshot = assembler.assemble({
    listeners: new Map(),
    routes: new Map(),
    clusters: new Map([['reviews', testCluster({ loadBalancer })]]),
    assignments: new Map(),
  });
  const call = testCall({ snapshot, headers: { version: 'v1' } });
  const action = testForward({ hash });
  call.route = testRoute({ action });
  call.action = action;
  call.cluster = snapshot.clusters.get('reviews');
  return call;
}

describe('hashKeyFilter', () => {
  it('gives the call its key', async () => {
    const call = callTo('maglev', [byVersion]);
    await hashKeyFilter(() => 0)(async () => new FakeReply(200))(call);
    expect(call.hashKey).toBe(testHash64('v1', 0n));
  });

  it('does nothing where the balancer looks at no key', async () => {
    const call = callTo('random', [byVersion, byCookie]);
    const reply = await hashKeyFilter(() => expect.unreachable())(async () => new FakeReply(200))(call);
    expect(call.hashKey).toBeUndefined();
    expect(reply.header('set-cookie')).toBeUndefined();
  });

  it('makes the cookie that is absent, of 16 random hexadecimal digits, and sets it on the reply', async () => {
    const call = callTo('maglev', [byCookie]);
    const draws = [0.5, 1 / 2 ** 32];
    const reply = await hashKeyFilter(() => draws.shift()!)(async () => new FakeReply(503))(call);
    expect(call.hashKey).toBe(testHash64('8000000000000001', 0n));
    expect(reply.header('set-cookie')).toBe('user="8000000000000001"; Max-Age=3600; Path=/a; HttpOnly');
    expect(call.headers.has('cookie')).toBe(false);
  });

  it('sets no cookie that the request has', async () => {
    const call = callTo('maglev', [byCookie]);
    call.headers.append('cookie', 'user=ann');
    const reply = await hashKeyFilter(() => expect.unreachable())(async () => new FakeReply(200))(call);
    expect(call.hashKey).toBe(testHash64('ann', 0n));
    expect(reply.header('set-cookie')).toBeUndefined();
  });
});
