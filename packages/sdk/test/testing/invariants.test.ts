import { type EndpointView, HeaderList, type MeshResources, SnapshotAssembler, SnapshotHolder } from '@inmesh/core';
import {
  FakeClock,
  seededRandom,
  testCluster,
  testEndpoint,
  testForward,
  testHash64,
  testRoute,
  testRouteConfiguration,
} from '@inmesh/core/testing';
import { describe, expect, it } from 'vitest';
import { SimulatedCall } from '../../src/testing/simulation/call.js';
import { InvariantChecker } from '../../src/testing/simulation/invariants.js';

const targets = [
  { cluster: 'reviews', weight: 90 },
  { cluster: 'canary', weight: 10 },
];
const action = testForward({ targets, timeoutMs: 100 });
const resources: MeshResources = {
  listeners: new Map([['reviews:80', { name: 'reviews:80', routes: 'r' }]]),
  routes: new Map([['r', testRouteConfiguration([{ domains: ['*'], routes: [testRoute({ action })] }], 'r')]]),
  clusters: new Map(
    ['reviews', 'canary'].map((name) => [name, testCluster({ name, panicThresholdPercent: 0 })] as const),
  ),
  assignments: new Map(
    ['reviews', 'canary'].map((clusterName) => {
      const endpoints = [testEndpoint({ host: '10.0.0.1' }), testEndpoint({ host: '10.0.0.2', health: 'draining' })];
      const locality = { region: '', zone: '', subZone: '', priority: 0, weight: 1, endpoints };
      return [clusterName, { clusterName, localities: [locality] }] as const;
    }),
  ),
};

/** A checker that is told of calls which no mesh made: each of its rules must notice the one thing that is wrong. */
function setup() {
  const clock = new FakeClock();
  const assembler = new SnapshotAssembler({ clock, random: seededRandom(1), hash64: testHash64, searchDomains: [] });
  const snapshots = new SnapshotHolder(assembler.assemble(resources));
  const checker = new InvariantChecker(clock, snapshots);
  const reviews = snapshots.current.clusters.get('reviews')!;
  const [healthy, draining] = reviews.endpoints as [EndpointView, EndpointView];
  const begin = (target = 0) => {
    const init = { scheme: 'http', authority: 'reviews', method: 'GET', path: '/' } as const;
    const { current: snapshot } = snapshots;
    const headers = new HeaderList();
    const call = new SimulatedCall({ ...init, headers, snapshot, startedAt: clock.now(), replayable: true });
    call.route = testRoute({ action });
    Object.assign(call, { cluster: reviews, target: targets[target], attempt: 1, lastAttemptSent: true });
    checker.callStarted(call);
    return call;
  };
  const rules = () => checker.violations.map(({ rule }) => rule);
  return { clock, checker, reviews, healthy, draining, begin, rules, snapshots, assembler };
}

const outcome = (endedAt: number) => ({
  status: 200,
  error: undefined,
  attempts: 1,
  endpoint: undefined,
  startedAt: 0,
  endedAt,
  header: () => undefined,
});

describe('the checker of a simulation', () => {
  it('has nothing to say of a call that keeps to the rules', () => {
    const { checker, begin, healthy, rules } = setup();
    const call = begin();
    checker.attemptStarted(call, healthy);
    checker.callEnded(call, outcome(0));
    checker.finish();
    expect(rules()).toEqual([]);
  });

  it('notices an attempt on an endpoint that is draining, ejected or removed', () => {
    const { checker, begin, healthy, draining, rules } = setup();
    checker.attemptStarted(begin(), draining);
    healthy.host.ejected = true;
    checker.attemptStarted(begin(), healthy);
    healthy.host.ejected = false;
    healthy.state.removed = true;
    checker.attemptStarted(begin(), healthy);
    expect(rules()).toEqual(['endpoint', 'endpoint', 'endpoint']);
  });

  it('lets a panic use them all', () => {
    const { checker, begin, draining, reviews, rules } = setup();
    const call = begin();
    call.cluster = { ...reviews, cluster: { ...reviews.cluster, panicThresholdPercent: 60 } };
    checker.attemptStarted(call, draining);
    expect(rules()).toEqual([]);
  });

  it('notices retries above the budget, and lets those go that reached no server', () => {
    const rulesAfter = (retries: number, sent: boolean) => {
      const { checker, begin, healthy, rules } = setup();
      const calls = Array.from({ length: 20 }, () => begin());
      for (const call of calls.slice(0, retries)) {
        Object.assign(call, { attempt: 2, lastAttemptSent: sent });
        checker.attemptStarted(call, healthy);
      }
      for (const call of calls) checker.callEnded(call, outcome(0));
      checker.finish();
      return rules();
    };
    expect(rulesAfter(10, true)).not.toContain('retry-budget');
    expect(rulesAfter(11, true)).toContain('retry-budget');
    expect(rulesAfter(11, false)).not.toContain('retry-budget');
  });

  it('notices a call that outlives its deadline, and an attempt that begins after it', () => {
    const { checker, clock, begin, healthy, rules } = setup();
    const call = begin();
    call.deadline = 10;
    clock.advance(11);
    checker.attemptStarted(call, healthy);
    checker.callEnded(call, outcome(11));
    expect(rules()).toEqual(['deadline', 'deadline']);
  });

  it('notices a call that changes its snapshot', () => {
    const { checker, begin, healthy, rules, assembler } = setup();
    const call = begin();
    Object.assign(call, { snapshot: assembler.assemble(resources) });
    checker.attemptStarted(call, healthy);
    expect(rules()).toEqual(['snapshot']);
  });

  it('notices clusters that are drawn against their weights', () => {
    const { checker, begin, healthy, rules } = setup();
    for (let i = 0; i < 100; i += 1) {
      const call = begin(i % 2);
      checker.attemptStarted(call, healthy);
      checker.callEnded(call, outcome(0));
    }
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
