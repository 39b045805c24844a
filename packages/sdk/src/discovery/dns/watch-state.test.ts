import { describe, expect, it } from 'vitest';
import type { DnsEndpoint, TargetResolution } from './dns-endpoints.js';
import { type DnsState, endpointsOf, nextState } from './watch-state.js';

const holdMs = 30_000;
const endpoint = (host: string): DnsEndpoint => ({ address: `${host}:80`, host, port: 80, priority: 0, weight: 1 });
const good = (...hosts: string[]): TargetResolution => ({
  kind: 'endpoints',
  endpoints: hosts.map(endpoint),
  ttlSeconds: 5,
  partial: false,
});
const partial = (...hosts: string[]) => ({ ...good(...hosts), partial: true }) as TargetResolution;
const failure: TargetResolution = { kind: 'failure', reason: 'servfail' };
const notFound: TargetResolution = { kind: 'notFound', ttlSeconds: 5 };

function after(...steps: readonly (readonly [now: number, outcome: TargetResolution])[]): DnsState {
  let state: DnsState = { kind: 'pending' };
  for (const [now, outcome] of steps) state = nextState(state, outcome, now, holdMs);
  return state;
}

const hostsOf = (state: DnsState) => endpointsOf(state).map((known) => known.host);

describe('nextState', () => {
  it('has nothing to keep before the first good answer', () => {
    expect(after([0, failure])).toEqual({ kind: 'failed', reason: 'servfail' });
    expect(after([0, notFound])).toEqual({ kind: 'empty' });
    expect(after([0, notFound], [1, failure])).toEqual({ kind: 'empty' });
    expect(after([0, failure], [1, notFound])).toEqual({ kind: 'empty' });
  });

  it('keeps the last good endpoints through failures without end', () => {
    const state = after([0, good('a')], [1, failure], [1_000_000, failure]);
    expect(state).toMatchObject({ kind: 'stale', reason: 'servfail', emptySince: undefined });
    expect(hostsOf(state)).toEqual(['a']);
  });

  it('keeps them through «there are none» for 30 s and then gives them up', () => {
    expect(after([0, good('a')], [10, notFound], [30_009, notFound])).toMatchObject({ kind: 'stale', emptySince: 10 });
    expect(after([0, good('a')], [10, notFound], [30_010, notFound])).toEqual({ kind: 'empty' });
  });

  it('counts the 30 s through failures, but only «there are none» ends them', () => {
    const failing = after([0, good('a')], [10, notFound], [20_000, failure], [40_000, failure]);
    expect(hostsOf(failing)).toEqual(['a']);
    expect(nextState(failing, notFound, 40_001, holdMs)).toEqual({ kind: 'empty' });
  });

  it('starts the 30 s again after a good answer', () => {
    const state = after([0, good('a')], [10, notFound], [20_000, good('b')], [20_001, notFound], [49_000, notFound]);
    expect(hostsOf(state)).toEqual(['b']);
  });

  it('adds a partial answer to what it knows, for 30 s', () => {
    expect(hostsOf(after([0, good('a', 'b')], [10, partial('c')]))).toEqual(['a', 'b', 'c']);
    expect(hostsOf(after([0, good('a', 'b')], [10, partial('c')], [30_010, partial('c')]))).toEqual(['c']);
    expect(hostsOf(after([0, good('a', 'b')], [10, partial('c')], [20, good('c')]))).toEqual(['c']);
  });
});
