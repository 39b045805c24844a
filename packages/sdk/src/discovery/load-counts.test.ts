import { type Call, type CallEnd, MeshError, type MeshErrorReason } from '@inmesh/core';
import { describe, expect, it } from 'vitest';
import { resolveOptions } from '../options.js';
import { LoadCounts } from './load-counts.js';

const callTo = (name: string) => ({ cluster: { cluster: { name } } }) as Call;
const ended = (end: Partial<CallEnd>): CallEnd => ({
  ...{ httpStatus: 200, grpcStatus: undefined, error: undefined, durationMs: 3 },
  ...end,
});

function count(ends: readonly Partial<CallEnd>[]) {
  const counts = new LoadCounts();
  for (const end of ends) counts.attemptStarted(callTo('a'))?.attemptEnded(callTo('b'), ended(end));
  return counts.take()[0];
}

describe('the load of a cluster', () => {
  it.each([
    ['succeeded', { httpStatus: 404 }],
    ['succeeded', { grpcStatus: 5 }],
    ['failed', { httpStatus: 500 }],
    ['failed', { grpcStatus: 14 }],
    ['failed', { error: new MeshError('upstream_reset') }],
  ] as const)('has %s after %j', (outcome, end) => {
    const other = outcome === 'failed' ? 'succeeded' : 'failed';
    expect(count([end])).toMatchObject({ cluster: 'a', issued: 1, [outcome]: 1, [other]: 0, inProgress: 0 });
  });

  it('does not blame anybody for callers who went away', () => {
    const load = count([{ error: new MeshError('caller_cancelled') }]);
    expect(load).toMatchObject({ issued: 1, succeeded: 0, failed: 0 });
    expect(load?.durations.every((bucket) => bucket.count === 0)).toBe(true);
  });

  it('has what found nobody to be sent to as dropped, and nothing twice', () => {
    const counts = new LoadCounts();
    const end = (call: object, reason: MeshErrorReason) =>
      counts.callEnded(call as Call, ended({ error: new MeshError(reason) }));
    const waiting = { ...callTo('a'), waitForReady: true };
    end(callTo('a'), 'no_healthy_upstream');
    end(callTo('a'), 'upstream_overflow');
    end({ target: { cluster: 'a' } }, 'no_cluster');
    end(waiting, 'deadline_exceeded');
    // These are the attempt's, the caller's, the limit's, and of no cluster at all.
    end({ ...callTo('a'), endpoint: {} }, 'no_healthy_upstream');
    end(callTo('a'), 'deadline_exceeded');
    end(callTo('a'), 'caller_cancelled');
    end(callTo('a'), 'rate_limited');
    end({}, 'no_route');
    counts.callEnded(callTo('a'), ended({}));
    expect(counts.take()).toMatchObject([{ cluster: 'a', issued: 0, failed: 0, dropped: 4 }]);
    expect(counts.take()).toEqual([]);
  });

  it('has durations in buckets, with one above all of them', () => {
    const load = count([0.5, 0.6, 5, 4_000_000].map((durationMs) => ({ durationMs })));
    const filled = load?.durations.flatMap(({ count, sumMs }, at) => (count > 0 ? [[at, count, sumMs]] : []));
    expect(filled).toEqual([
      [0, 1, 0.5],
      [1, 1, 0.6],
      [2, 1, 5],
      [19, 1, 4_000_000],
    ]);
  });

  it('is told once, and what is under way until it ends', () => {
    const counts = new LoadCounts();
    const attempt = counts.attemptStarted(callTo('a'));
    expect(counts.take()).toMatchObject([{ issued: 1, inProgress: 1, succeeded: 0 }]);
    expect(counts.take()).toMatchObject([{ issued: 0, inProgress: 1, succeeded: 0 }]);
    attempt?.attemptEnded(callTo('a'), ended({}));
    expect(counts.take()).toMatchObject([{ issued: 0, inProgress: 0, succeeded: 1 }]);
    expect(counts.take()).toEqual([]);
  });

  it('is of calls that this process makes, not of those that it answers', () => {
    const counts = new LoadCounts();
    expect(counts.callStarted(callTo('a'), 'client')).toBe(counts);
    expect(counts.callStarted(callTo('a'), 'server')).not.toHaveProperty('attemptStarted');
  });

  it('is told where the option or INMESH_LOAD_REPORTS says so, and nowhere else', () => {
    const isTold = (loadReports: boolean | undefined, variable: string | undefined) =>
      resolveOptions(loadReports === undefined ? {} : { loadReports }, {
        variables: { INMESH_LOAD_REPORTS: variable },
        readFile: () => undefined,
      }).loadReports;
    expect([isTold(undefined, undefined), isTold(undefined, 'true'), isTold(false, 'true'), isTold(true, '')]).toEqual([
      ...[false, true, false, true],
    ]);
  });
});
