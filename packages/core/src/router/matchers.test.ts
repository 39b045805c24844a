import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RouteMatch } from '../model/route.js';
import { seededRandom, testCall, testRoute } from '../testing/index.js';
import { allOf, always, never } from './call-matcher.js';
import { compileRouteMatch } from './matchers.js';

const { match: everything } = testRoute();

function header(name: string): RouteMatch['headers'][number] {
  return { name, test: { kind: 'present', present: true }, invert: false, treatMissingAsEmpty: false };
}

describe('allOf', () => {
  it('is the conjunction, for any number of conditions', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 6 }), (values) => {
        // Not the constants, which are recognised.
        const conditions = values.map((value) => () => value);
        expect(allOf(conditions)(testCall(), Math.random)).toBe(values.every(Boolean));
      }),
    );
  });

  it('leaves out what is always true', () => {
    expect(allOf([])).toBe(always);
    expect(allOf([always, always])).toBe(always);
    expect(allOf([always, never, always])).toBe(never);
  });
});

describe('compileRouteMatch', () => {
  it('makes a catch-all route free', () => {
    expect(compileRouteMatch(everything)).toBe(always);
    expect(compileRouteMatch({ ...everything, fractionPerMillion: 1_000_000 })).toBe(always);
  });

  it('wants the path, every header and every query parameter', () => {
    const matches = compileRouteMatch({
      path: { kind: 'exact', value: '/a', ignoreCase: false },
      headers: [header('x-a'), header('x-b')],
      query: [{ name: 'q', matcher: undefined }],
    });
    const headers = { 'x-a': '1', 'x-b': '2' };
    const random = seededRandom(1);
    expect(matches(testCall({ path: '/a?q', headers }), random)).toBe(true);
    expect(matches(testCall({ path: '/b?q', headers }), random)).toBe(false);
    expect(matches(testCall({ path: '/a', headers }), random)).toBe(false);
    expect(matches(testCall({ path: '/a?q', headers: { 'x-a': '1' } }), random)).toBe(false);
  });

  it('matches a share of calls by the number drawn', () => {
    const matches = compileRouteMatch({ ...everything, fractionPerMillion: 250_000 });
    expect(matches(testCall(), () => 0)).toBe(true);
    expect(matches(testCall(), () => 0.249999)).toBe(true);
    expect(matches(testCall(), () => 0.25)).toBe(false);
    expect(compileRouteMatch({ ...everything, fractionPerMillion: 0 })).toBe(never);
  });

  it('keeps close to the share over many calls', () => {
    const matches = compileRouteMatch({ ...everything, fractionPerMillion: 100_000 });
    const random = seededRandom(7);
    let hits = 0;
    for (let i = 0; i < 20_000; i += 1) if (matches(testCall(), random)) hits += 1;
    expect(hits / 20_000).toBeCloseTo(0.1, 2);
  });

  it('draws no number for a call that does not fit anyway', () => {
    const matches = compileRouteMatch({
      ...everything,
      path: { kind: 'exact', value: '/a', ignoreCase: false },
      fractionPerMillion: 500_000,
    });
    const draw = () => {
      throw new Error('drawn');
    };
    expect(matches(testCall({ path: '/b' }), draw)).toBe(false);
  });
});
