import {
  type Cluster,
  type EndpointView,
  HeaderList,
  MeshError,
  type MeshResources,
  SnapshotAssembler,
  SnapshotHolder,
} from '@inmesh/core';
import {
  FakeClock,
  seededRandom,
  testCluster,
  testEndpoint,
  testForward,
  testHash64,
  testRateLimit,
  testRetryPolicy,
  testRoute,
  testRouteConfiguration,
  testThresholds,
} from '@inmesh/core/testing';
import { describe, expect, it } from 'vitest';
import { type AttemptOutcome, SimulatedCall } from '../../src/testing/simulation/call.js';
import type { Outcome } from '../../src/testing/simulation/client.js';
import { InvariantChecker } from '../../src/testing/simulation/invariants.js';

const targets = [
  { cluster: 'reviews', weight: 90 },
  { cluster: 'canary', weight: 10 },
];
const retry = testRetryPolicy({ on: new Set(['connect-failure', '5xx'] as const), attempts: 1 });
const action = testForward({ targets, timeoutMs: 100, retry });
const bucket = { maxTokens: 1, tokensPerFill: 1, fillIntervalMs: 1000 };
const route = testRoute({ action, rateLimits: [testRateLimit({ side: 'outbound', bucket })] });

function localityOf(priority: number, ...endpoints: ReturnType<typeof testEndpoint>[]) {
  return { region: '', zone: '', subZone: '', priority, weight: 1, endpoints };
}

function resources(cluster: Partial<Cluster> = {}): MeshResources {
  const names = ['reviews', 'canary'];
  return {
    listeners: new Map([['reviews:80', { name: 'reviews:80', routes: 'r' }]]),
    routes: new Map([['r', testRouteConfiguration([{ domains: ['*'], routes: [route] }], 'r')]]),
    clusters: new Map(
      names.map((name) => [name, testCluster({ panicThresholdPercent: 0, ...cluster, name })] as const),
    ),
    assignments: new Map(
      names.map((clusterName, index) => {
        const host = `10.0.${index}`;
        const first = localityOf(
          0,
          testEndpoint({ host: `${host}.1` }),
          testEndpoint({ host: `${host}.2` }),
          testEndpoint({ host: `${host}.3`, health: 'draining' }),
        );
        const localities = [first, localityOf(1, testEndpoint({ host: `${host}.4` }))];
        return [clusterName, { clusterName, localities }] as const;
      }),
    ),
  };
}

/** A checker that is told of calls which no mesh made: each of its rules must notice the one thing that is wrong. */
function setup(cluster: Partial<Cluster> = {}) {
  const clock = new FakeClock();
  const assembler = new SnapshotAssembler({ clock, random: seededRandom(1), hash64: testHash64, searchDomains: [] });
  const snapshots = new SnapshotHolder(assembler.assemble(resources(cluster)));
  const checker = new InvariantChecker(clock, snapshots);
  const reviews = snapshots.current.clusters.get('reviews')!;
  const [healthy, other, draining, far] = reviews.endpoints as [EndpointView, EndpointView, EndpointView, EndpointView];
  const begin = (overrides: Partial<SimulatedCall> = {}, target = targets[0]!) => {
    const init = { scheme: 'http', authority: 'reviews', method: 'GET', path: '/' } as const;
    const { current: snapshot } = snapshots;
    const headers = new HeaderList();
    const { replayable = true, copyOf, leavesAt = Number.POSITIVE_INFINITY } = overrides;
    const call = new SimulatedCall({
      ...{ ...init, headers, snapshot, startedAt: clock.now(), replayable, copyOf, leavesAt },
    });
    Object.assign(call, { route, action, target, attempt: 1, lastAttemptSent: true });
    Object.assign(call, { cluster: snapshot.clusters.get(target.cluster), ...overrides });
    checker.callStarted(call);
    return call;
  };
  const attempt = (call: SimulatedCall, endpoint = call.cluster!.endpoints[0]!) => {
    call.cluster!.state.breaker.tryAcquireRequest();
    checker.attemptStarted(call, endpoint);
    call.cluster!.state.breaker.releaseRequest();
  };
  /** A second attempt after the first has ended in this way. */
  const again = (last: Partial<AttemptOutcome>, overrides: Partial<SimulatedCall> = {}) => {
    const call = begin({ attempt: 2, ...overrides });
    call.lastOutcome = {
      kind: 'refused',
      attempt: 1,
      startedAt: last.at ?? clock.now(),
      at: clock.now(),
      ...last,
    } as AttemptOutcome;
    if (!call.headers.has('x-envoy-attempt-count')) call.headers.set('x-envoy-attempt-count', '2');
    attempt(call);
  };
  const rules = () => checker.violations.map(({ rule }) => rule);
  return {
    ...{ clock, checker, reviews, healthy, other, draining, far, begin, attempt, again, rules, snapshots, assembler },
  };
}

const outcome = (endedAt: number, overrides: Partial<Outcome> = {}): Outcome => ({
  status: 200,
  error: undefined,
  attempts: 1,
  endpoint: undefined,
  startedAt: 0,
  endedAt,
  header: () => undefined,
  ...overrides,
});

const answered = (status: number, headers: Record<string, string> = {}) => ({
  ...{ kind: 'answered' as const, status, header: (name: string) => headers[name] },
});

describe('the checker of a simulation', () => {
  it('has nothing to say of a call that keeps to the rules', () => {
    const { checker, begin, attempt, again, rules } = setup();
    const call = begin();
    attempt(call);
    checker.callEnded(call, outcome(0));
    again({ kind: 'refused' }, { route: testRoute({ action }) });
    expect(rules()).toEqual([]);
  });

  it('notices an attempt on an endpoint that is draining, ejected or removed', () => {
    const { begin, attempt, healthy, draining, rules } = setup();
    attempt(begin({ attempt: 0 }), draining);
    healthy.host.ejected = true;
    attempt(begin(), healthy);
    healthy.host.ejected = false;
    healthy.state.removed = true;
    attempt(begin(), healthy);
    expect(rules()).toEqual(['endpoint', 'endpoint', 'endpoint']);
  });

  it('notices an attempt on an endpoint that the newest configuration does not name', () => {
    const { begin, attempt, snapshots, assembler, rules } = setup();
    const call = begin();
    const next = resources();
    snapshots.replace(assembler.assemble({ ...next, assignments: new Map() }));
    const [view] = call.cluster!.endpoints;
    view!.state.removed = false; // what says so in the mesh itself is not to be trusted
    attempt(call);
    expect(rules()).toContain('endpoint');
  });

  it('lets a panic use them all, and knows when there is none', () => {
    const { begin, attempt, healthy, other, draining, far, rules } = setup({ panicThresholdPercent: 50 });
    for (const view of [healthy, other, far]) view.host.ejected = true;
    attempt(begin(), draining);
    expect(rules()).toEqual([]);
    far.host.ejected = false;
    attempt(begin({ attempt: 0 }), draining);
    expect(rules()).toEqual(['endpoint']);
  });

  it('notices an attempt on a priority that is not needed', () => {
    const { begin, attempt, reviews, far, rules } = setup();
    attempt(begin(), far); // two of three healthy ones cover 93 %
    expect(rules()).toEqual([]);
    attempt(begin({ target: undefined, cluster: { ...reviews, overprovisioningPercent: 150 } }), far);
    expect(rules()).toEqual(['endpoint']);
  });

  it('notices a retry on an endpoint that was tried while another was not', () => {
    const { healthy, other, far, again, rules } = setup();
    again({}, { triedEndpoints: [healthy, other, far] });
    expect(rules()).toEqual([]);
    again({}, { triedEndpoints: [healthy, far] });
    expect(rules()).toEqual(['endpoint']);
  });

  it('notices a call that found no endpoint where there was one', () => {
    const { checker, begin, reviews, rules } = setup();
    const error = new MeshError('no_healthy_upstream', {});
    checker.callEnded(begin(), outcome(0, { error }));
    expect(rules()).toEqual(['endpoint']);
    for (const view of reviews.endpoints) view.host.ejected = true;
    checker.callEnded(begin(), outcome(0, { error }));
    expect(rules()).toEqual(['endpoint']);
  });

  it('notices a cluster that does not panic when it should', () => {
    const { checker, begin, reviews, rules } = setup({ panicThresholdPercent: 1 });
    for (const view of reviews.endpoints) view.host.ejected = true;
    checker.callEnded(begin(), outcome(0, { error: new MeshError('no_healthy_upstream', {}) }));
    expect(rules()).toEqual(['endpoint']);
  });

  it('notices a key that leads elsewhere while nothing has changed', () => {
    const { begin, attempt, healthy, other, reviews, rules } = setup();
    attempt(begin({ hashKey: 7n }), healthy);
    // Where nothing is placed by keys, a key that a call brings along leads anywhere.
    attempt(begin({ hashKey: 7n }), other);
    const keyed = { ...reviews, cluster: testCluster({ loadBalancer: { kind: 'maglev', tableSize: 7 } }) };
    const placed = () => begin({ hashKey: 7n, cluster: keyed });
    attempt(placed(), healthy);
    reviews.state.healthEpoch += 1;
    attempt(placed(), other);
    expect(rules()).not.toContain('key');
    attempt(placed(), healthy);
    expect(rules()).toContain('key');
  });

  it.each<[string, Partial<AttemptOutcome>, Partial<SimulatedCall>]>([
    ['that no policy asks for', {}, { action: testForward({ targets }) }],
    ['that is one too many', {}, { attempt: 3 }],
    ['of a body that was read', {}, { replayable: false }],

    ['that does not say which it is', {}, { headers: HeaderList.of([['x-envoy-attempt-count', '1']]) }],
    ['that an earlier tier makes', { kind: 'broken' }, { retriesElsewhere: true }],
    ['of an answer that no condition names', answered(404), {}],
    ['of an answer that was retried further down', answered(503, { 'x-inmesh-no-retry': '1' }), {}],
    [
      'of a POST that may have been acted on',
      { kind: 'broken' },
      { method: 'POST', action: { ...action, retry: { ...retry, on: new Set(['connect-failure'] as const) } } },
    ],
    ['that waited too long', { at: -26 }, {}],
    [
      'that did not wait as it was told',
      answered(503, { 'retry-after': '1' }),
      {
        action: {
          ...action,
          retry: {
            ...retry,
            rateLimitedBackoff: { resetHeaders: [{ name: 'retry-after', format: 'seconds' }], maxIntervalMs: 9000 },
          },
        },
      },
    ],
  ])('notices a retry %s', (_, last, overrides) => {
    const { again, rules } = setup();
    again(last, overrides);
    expect(rules()).toEqual(['retry']);
  });

  it('notices a retry of a copy, and a copy that has more time than its call', () => {
    const { begin, attempt, again, rules } = setup();
    const call = begin({ deadline: 9 });
    again({}, { copyOf: call, deadline: 9 });
    expect(rules()).toEqual(['retry']);
    attempt(begin({ copyOf: call, deadline: 10 }));
    expect(rules()).toEqual(['retry', 'mirror']);
  });

  it('notices a call that failed after a retry and does not say so', () => {
    const { checker, begin, rules } = setup();
    checker.callEnded(begin({ retriesSpent: true }), outcome(0, { status: 0, attempts: 2 }));
    expect(rules()).toEqual([]);
    checker.callEnded(begin(), outcome(0, { status: 0, attempts: 2 }));
    expect(rules()).toEqual(['retry']);
  });

  it('notices retries above the budget, and lets those go that reached no server', () => {
    const rulesAfter = (retries: number, sent: boolean) => {
      const { checker, begin, attempt, rules } = setup();
      const calls = Array.from({ length: 20 }, () => begin());
      for (const call of calls.slice(0, retries)) {
        Object.assign(call, { attempt: 2, lastAttemptSent: sent });
        attempt(call);
      }
      for (const call of calls) checker.callEnded(call, outcome(0));
      checker.finish();
      return rules();
    };
    expect(rulesAfter(10, true)).not.toContain('retry-budget');
    expect(rulesAfter(11, true)).toContain('retry-budget');
    expect(rulesAfter(11, false)).not.toContain('retry-budget');
  });

  it('notices more retries at once than a budget of the cluster allows', () => {
    const { again, rules } = setup({ retryBudget: { percent: 20, minConcurrency: 2 } });
    for (let i = 0; i < 2; i += 1) again({});
    expect(rules()).not.toContain('limit');
    again({});
    expect(rules()).toContain('limit');
  });

  it('notices an attempt that no breaker counts, or that is one too many for it', () => {
    const limits = { ...testThresholds, maxRequests: 1 };
    const { checker, begin, attempt, healthy, reviews, rules } = setup({
      circuitBreakers: { default: limits, high: limits },
    });
    attempt(begin());
    expect(rules()).toEqual([]);
    checker.attemptStarted(begin(), healthy);
    expect(rules()).toEqual(['limit']);
    reviews.state.breaker.requests = 1;
    reviews.state.breaker.thresholds = { ...limits, maxRequests: 0 };
    checker.attemptStarted(begin(), healthy);
    expect(rules()).toEqual(['limit', 'limit']);
  });

  it('notices calls that pass without a token', () => {
    const { checker, clock, begin, attempt, rules } = setup();
    attempt(begin());
    clock.advance(1000);
    attempt(begin());
    checker.finish();
    expect(rules()).not.toContain('rate-limit');
    attempt(begin());
    checker.finish();
    expect(rules()).toContain('rate-limit');
  });

  it('notices a call that outlives its deadline, and an attempt that begins after it', () => {
    const { checker, clock, begin, attempt, rules } = setup();
    const call = begin();
    call.deadline = 10;
    clock.advance(11);
    attempt(call);
    checker.callEnded(call, outcome(101));
    expect(rules()).toEqual(['deadline', 'deadline']);
  });

  it('notices a call whose deadline was put off, and one that outlives its caller', () => {
    const { checker, begin, rules } = setup();
    const call = begin({ deadline: 10 });
    call.deadline = 50;
    checker.callEnded(call, outcome(50));
    checker.callEnded(begin({ leavesAt: 20 }), outcome(21));
    expect(rules()).toEqual(['deadline', 'deadline']);
  });

  it('notices an answer that is dropped for a retry which the deadline does not allow', () => {
    const { checker, begin, rules } = setup();
    const call = begin();
    call.lastOutcome = { ...answered(503), attempt: 1, startedAt: 0, at: 0 };
    checker.callEnded(call, outcome(9, { status: 0, error: new MeshError('upstream_request_timeout', {}) }));
    expect(rules()).toEqual(['deadline']);
  });

  it('notices a call in which nothing moves for too long', () => {
    const { checker, begin, rules } = setup();
    const idle = { ...action, idleTimeoutMs: 10 };
    for (const [startedAt, endedAt] of [
      [30, 40],
      [29, 40],
    ] as const) {
      const call = begin({ action: idle });
      call.lastOutcome = { kind: 'broken', reason: 'stream_idle_timeout', attempt: 1, startedAt, at: endedAt };
      checker.callEnded(call, outcome(endedAt, { status: 0 }));
    }
    expect(rules()).toEqual(['deadline']);
  });

  it('notices tries that are given up too late or too early', () => {
    const { checker, begin, rules } = setup();
    const perTry = { ...action, retry: { ...retry, perTryTimeoutMs: 20 } };
    const reason = 'upstream_per_try_timeout';
    for (const at of [20, 21, 19]) {
      const call = begin({ action: perTry });
      call.lastOutcome = { kind: 'broken', reason, attempt: 1, startedAt: 0, at };
      checker.callEnded(call, outcome(at));
    }
    expect(rules()).toEqual(['deadline', 'deadline']);
  });

  it('notices a copy for a mirror that was not made, or made again', () => {
    const { begin, attempt, rules } = setup();
    const mirrors = [{ cluster: 'canary', perMillion: 1_000_000, shadowSuffix: true }];
    const call = begin({ action: { ...action, mirrors } });
    attempt(call);
    expect(rules()).toEqual(['mirror']);
    call.shadow();
    attempt(call);
    expect(rules()).toEqual(['mirror']);
    call.shadow();
    attempt(call);
    expect(rules()).toEqual(['mirror', 'mirror']);
  });

  it('notices an attempt of a call that was cancelled', () => {
    const { begin, attempt, rules } = setup();
    attempt(begin({ cancelled: new MeshError('caller_cancelled', {}) }));
    expect(rules()).toEqual(['deadline']);
  });

  it('notices a call that changes its snapshot, or leaves the endpoints of its own', () => {
    const { begin, attempt, rules, assembler } = setup();
    const call = begin();
    const next = assembler.assemble(resources({ connectTimeoutMs: 1 }));
    Object.assign(call, { snapshot: next });
    attempt(call);
    expect(rules()).toEqual(['snapshot', 'snapshot']);
    attempt(begin({ attempt: 0, cluster: next.clusters.get('reviews') }));
    expect(rules()).toEqual(['snapshot', 'snapshot', 'snapshot']);
  });

  it('notices clusters that are drawn against their weights', () => {
    const { checker, begin, rules } = setup();
    for (let i = 0; i < 100; i += 1) checker.callEnded(begin({}, targets[i % 2]!), outcome(0));
    checker.finish();
    expect(rules()).toEqual(['weights', 'weights']);
  });

  it('notices calls that never end and counters that are not back at zero', () => {
    const { checker, begin, reviews, healthy, rules } = setup();
    begin();
    reviews.state.breaker.tryAcquireRequest();
    healthy.state.inFlight += 1;
    checker.finish();
    expect(rules()).toEqual(expect.arrayContaining(['in-flight', 'in-flight', 'in-flight']));
  });
});
