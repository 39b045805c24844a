import type { Clock } from '@inmesh/core';
import { FakeClock, seededRandom } from '@inmesh/core/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApiModel, failure } from '../../../test/support/kubernetes/api-model.js';
import { KubernetesClient } from '../client/client.js';
import { type ElectionDurations, LeaderElection } from './leader-election.js';
import { type Lease, leases } from './lease-record.js';

const collection = '/apis/coordination.k8s.io/v1/leases';
const lease = { namespace: 'mesh', name: 'inmesh' };
const start = Date.UTC(2026, 0, 1);

function candidate(
  model: ApiModel,
  clock: Clock,
  identity: string,
  { random = () => 0, durations = {} }: { random?: () => number; durations?: Partial<ElectionDurations> } = {},
) {
  const told: string[] = [];
  const client = new KubernetesClient({ transport: model, clock, random });
  const election = new LeaderElection({
    ...{ client, lease, identity, clock, random, durations },
    // Its own wall clock is an hour off, and nobody minds.
    now: () => start + clock.now() + (identity === 'b' ? 3_600_000 : 0),
    onStarted: () => told.push(`started ${clock.now()}`),
    onStopped: () => told.push(`stopped ${clock.now()}`),
    onProblem: (problem) => told.push(problem ?? 'well'),
  });
  return { election, told };
}

function specOf(model: ApiModel): Lease['spec'] {
  return (model.stored.get(collection, 'mesh/inmesh') as Lease | undefined)?.spec;
}

describe('An election', () => {
  it('is won by the first, who makes the lease and renews it every 2 s', async () => {
    const [model, clock] = [new ApiModel(), new FakeClock()];
    const { election, told } = candidate(model, clock, 'a');
    await clock.advanceAsync(0);
    expect(told).toEqual(['started 0']);
    expect(specOf(model)).toEqual({
      holderIdentity: 'a',
      leaseDurationSeconds: 15,
      acquireTime: '2026-01-01T00:00:00.000000Z',
      renewTime: '2026-01-01T00:00:00.000000Z',
      leaseTransitions: 0,
    });
    await clock.advanceAsync(4000);
    expect(specOf(model)).toMatchObject({
      acquireTime: '2026-01-01T00:00:00.000000Z',
      renewTime: '2026-01-01T00:00:04.000000Z',
      leaseTransitions: 0,
    });
    // A renewal is one request.
    expect(model.requests.map(({ method }) => method)).toEqual(['GET', 'POST', 'PUT', 'PUT']);
    expect(election.isLeader).toBe(true);
    await election.close();
    expect(clock.pendingTimers).toBe(0);
  });

  it('has another leader 15 s after the last word of the one before, seen by the clock of who waits', async () => {
    const [model, clock] = [new ApiModel(), new FakeClock()];
    const a = candidate(model, clock, 'a');
    await clock.advanceAsync(0);
    const b = candidate(model, clock, 'b');
    await clock.advanceAsync(20_000);
    expect([a.election.isLeader, b.election.isLeader, b.election.leader]).toEqual([true, false, 'a']);
    // The first one's connection is gone, without a word.
    model.intercept = ({ body, signal }) => (body?.includes('"holderIdentity":"a"') ? hangUntil(signal) : undefined);
    await clock.advanceAsync(60_000);
    expect(a.told[1]).toBe('stopped 30000');
    expect(b.told).toEqual(['started 36000']);
    expect(specOf(model)).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
    await Promise.all([a.election.close(), b.election.close()]);
  });

  it('is lost when the renewal fails for 10 s, and not before', async () => {
    const [model, clock] = [new ApiModel(), new FakeClock()];
    const { election, told } = candidate(model, clock, 'a');
    await clock.advanceAsync(1000);
    model.isDown = true;
    await clock.advanceAsync(8999);
    expect(election.isLeader).toBe(true);
    await clock.advanceAsync(1);
    expect(election.isLeader).toBe(false);
    expect(told.at(-1)).toBe('stopped 10000');
    expect(election.problem).toContain('ECONNREFUSED');
    model.isDown = false;
    await clock.advanceAsync(2000);
    expect(told.slice(-2)).toEqual(['started 12000', 'well']);
    await election.close();
  });

  it('is given up at the end, so that another need not wait', async () => {
    const [model, clock] = [new ApiModel(), new FakeClock()];
    const a = candidate(model, clock, 'a');
    await clock.advanceAsync(0);
    const b = candidate(model, clock, 'b');
    await clock.advanceAsync(1000);
    await a.election.close();
    expect(a.told).toEqual(['started 0', 'stopped 1000']);
    expect(specOf(model)).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1 });
    await clock.advanceAsync(1000);
    expect(b.told).toEqual(['started 2000']);
    await b.election.close();
  });

  it('does not hold up the end for more than 2 s', async () => {
    const [model, clock] = [new ApiModel(), new FakeClock()];
    const { election } = candidate(model, clock, 'a');
    await clock.advanceAsync(0);
    model.intercept = ({ signal }) => hangUntil(signal);
    let isClosed = false;
    void election.close().then(() => {
      isClosed = true;
    });
    await clock.advanceAsync(1999);
    expect(isClosed).toBe(false);
    await clock.advanceAsync(1);
    expect(isClosed).toBe(true);
  });

  it('that two begin at the same moment is won by one', async () => {
    const [model, clock] = [new ApiModel(), new FakeClock()];
    const both = ['a', 'b'].map((identity) => candidate(model, clock, identity));
    await clock.advanceAsync(0);
    expect(both.filter(({ election }) => election.isLeader)).toHaveLength(1);
    await clock.advanceAsync(30_000);
    expect(both.flatMap(({ told }) => told)).toEqual(['started 0']);
    for (const { election } of both) await election.close();
  });

  it('is repeated after a conflict with somebody who changed a label', async () => {
    const [model, clock] = [new ApiModel(), new FakeClock()];
    const { election, told } = candidate(model, clock, 'a');
    await clock.advanceAsync(1000);
    const held = model.stored.get(collection, 'mesh/inmesh') as Lease;
    model.stored.set(collection, 'mesh/inmesh', { ...held, metadata: { ...held.metadata, labels: { team: 'x' } } });
    await clock.advanceAsync(5000);
    expect(told).toEqual(['started 0']);
    expect(model.stored.get(collection, 'mesh/inmesh')).toMatchObject({
      metadata: { labels: { team: 'x' } },
      spec: { renewTime: '2026-01-01T00:00:06.000000Z' },
    });
    await election.close();
  });

  it('is lost at once to whoever has written his name over it', async () => {
    const [model, clock] = [new ApiModel(), new FakeClock()];
    const { election, told } = candidate(model, clock, 'a');
    await clock.advanceAsync(1000);
    const held = model.stored.get(collection, 'mesh/inmesh') as Lease;
    const spec = { ...held.spec, holderIdentity: 'b' };
    model.stored.set(collection, 'mesh/inmesh', { ...held, spec } as Lease);
    await clock.advanceAsync(3000);
    expect(told).toEqual(['started 0', 'stopped 4000']);
    await election.close();
    expect(specOf(model)).toMatchObject({ holderIdentity: 'b' });
  });

  it('names the rule that is missing', async () => {
    const [model, clock] = [new ApiModel(), new FakeClock()];
    model.intercept = () => failure(403, 'Forbidden', 'leases is forbidden');
    const { election } = candidate(model, clock, 'a');
    await clock.advanceAsync(0);
    expect(election.problem).toBe(
      'the lease mesh/inmesh may not be used: bind the service account to a Role in namespace mesh with the rule ' +
        '{"apiGroups":["coordination.k8s.io"],"resources":["leases"],"verbs":["get","create","update"]}',
    );
    await election.close();
  });

  it('is not won by an answer that took longer than a leader may wait', async () => {
    const [model, clock] = [new ApiModel(), new FakeClock()];
    // The process is frozen while it waits: time passes and no timer runs.
    let frozenMs = 0;
    const frozen = { now: () => clock.now() + frozenMs, setTimer: clock.setTimer.bind(clock) };
    const { election, told } = candidate(model, frozen, 'a');
    await clock.advanceAsync(1000);
    frozenMs = 9000;
    expect(election.isLeader).toBe(false);
    expect(told).toEqual(['started 0']);
    model.intercept = () => {
      frozenMs += 10_000;
      return undefined;
    };
    await clock.advanceAsync(1000);
    expect(specOf(model)).toMatchObject({ renewTime: '2026-01-01T00:00:11.000000Z' });
    expect(election.isLeader).toBe(false);
    expect(told).toEqual(['started 0', 'stopped 21000']);
    await election.close();
  });

  it('never has two leaders, whoever is cut off, killed or begins anew', async () => {
    const step = fc.record({
      who: fc.integer({ min: 0, max: 2 }),
      do: fc.constantFrom('cut' as const, 'mend' as const, 'restart' as const, 'pass' as const, 'pass' as const),
      ms: fc.integer({ min: 1, max: 9000 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.integer(), async (steps, seed) => {
        const [model, clock] = [new ApiModel(), new FakeClock()];
        const random = seededRandom(seed);
        const cut = new Set<number>();
        let most = 0;
        const begin = (who: number) => {
          const transport = {
            send: (request: Parameters<ApiModel['send']>[0]) =>
              cut.has(who) ? hangUntil(request.signal) : model.send(request),
            forgetCredentials() {},
            close: async () => {},
          };
          const client = new KubernetesClient({ transport, clock, random });
          const count = () => {
            most = Math.max(most, candidates.filter((one) => one.isLeader).length);
          };
          return new LeaderElection({
            ...{ client, lease, identity: `${who}-${random()}`, clock, random },
            now: () => start,
            onStarted: () => queueMicrotask(count),
            onStopped: () => {},
          });
        };
        const candidates: LeaderElection[] = [];
        for (const who of [0, 1, 2]) candidates.push(begin(who));
        for (const { who, do: what, ms } of steps) {
          if (what === 'cut') cut.add(who);
          if (what === 'mend') cut.delete(who);
          if (what === 'restart') {
            // Killed: it gives nothing back.
            cut.add(who);
            const closed = candidates[who]!.close();
            await clock.advanceAsync(40_000);
            await closed;
            cut.delete(who);
            candidates[who] = begin(who);
          }
          await clock.advanceAsync(ms);
        }
        cut.clear();
        await clock.advanceAsync(60_000);
        expect(most).toBeLessThanOrEqual(1);
        expect(candidates.filter((one) => one.isLeader)).toHaveLength(1);
        for (const one of candidates) await one.close();
      }),
      { numRuns: 100, seed: 6 },
    );
  });

  it('is held in coordination.k8s.io', () => {
    expect(`/apis/${leases.group}/${leases.version}/${leases.plural}`).toBe(collection);
  });
});

function hangUntil(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(new Error('aborted'));
    signal.addEventListener('abort', () => reject(new Error('aborted')));
  });
}
