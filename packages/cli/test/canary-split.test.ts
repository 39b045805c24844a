import { describe, expect, it } from 'vitest';
import { ruleWeights } from '../src/canary/events.js';
import { routedKinds } from '../src/canary/routes/kinds.js';
import type { Fields } from '../src/canary/routes/routed-object.js';
import {
  currentPercent,
  describeWeights,
  editsTo,
  findSplit,
  weightsAt,
  writtenWeights,
} from '../src/canary/routes/split.js';
import { reviewsRoute } from './support/memory-target.js';

const [virtualService, httpRoute] = routedKinds as [(typeof routedKinds)[0], (typeof routedKinds)[0]];
const context = { namespace: 'default', clusterDomain: 'cluster.local' };
const ask = { context, to: 'v2', target: 'reviews' };
const split = (object: Fields, kind = virtualService, to = 'v2') => findSplit({ ...ask, kind, object, to });

const v1 = { destination: { host: 'reviews', subset: 'v1' } };
const v2 = { destination: { host: 'reviews', subset: 'v2' } };
const routes = (...http: object[]): Fields => ({ spec: { http } });
const backends = (...backendRefs: object[]): Fields => ({ spec: { rules: [{ backendRefs }] } });

describe('the weights of a VirtualService', () => {
  it('are those of the rules that have the version and another; all others are left alone', () => {
    const found = split(
      routes(
        { name: 'testers', route: [v2] },
        { route: [v1] },
        { redirect: { uri: '/' } },
        {
          name: 'all',
          route: [
            { ...v1, weight: 90 },
            { ...v2, weight: 10 },
          ],
          mirror: { host: 'reviews', subset: 'v2' },
        },
      ),
    );
    expect(found.rules.map(({ label }) => label)).toEqual(['spec.http[3] (all)']);
    expect(found.canary).toEqual({ host: 'reviews.default.svc.cluster.local', subset: 'v2' });
    expect(found.stable).toEqual([{ host: 'reviews.default.svc.cluster.local', subset: 'v1' }]);
    expect(currentPercent(found)).toBe(10);
    const path = ['spec', 'http', 3, 'route', 0, 'weight'];
    expect(editsTo(found, weightsAt(found, writtenWeights(found), 25))).toEqual([
      { path, value: 75 },
      { path: path.with(4, 1), value: 25 },
    ]);
  });

  it.each([
    [{ v1: 100, v2: 0 }, 5, [95, 5]],
    [{ v1: 60, v2: 10, v3: 30 }, 10, [60, 10, 30]],
    [{ v1: 1, v2: 0, v3: 1, v4: 1 }, 50, [17, 50, 17, 16]],
    [{ v1: 0, v2: 0, v3: 7 }, 99, [0, 99, 1]],
    [{ v1: 1, v2: 0 }, 100, [0, 100]],
  ])('%j at %d percent are %j', (weights, percent, expected) => {
    const found = split(reviewsRoute(weights));
    expect(weightsAt(found, writtenWeights(found), percent)).toEqual([expected]);
  });

  it('come from services of their own too', () => {
    const found = split(
      routes({
        route: [
          { destination: { host: 'reviews' }, weight: 100 },
          { destination: { host: 'reviews-v2.other.svc.cluster.local' } },
        ],
      }),
    );
    expect(found.canary).toEqual({ host: 'reviews-v2.other.svc.cluster.local', subset: undefined });
    expect(writtenWeights(found)).toEqual([[100, null]]);
  });
});

describe('the weights of an HTTPRoute', () => {
  it('are 1 where none is written, and are taken away again', () => {
    const found = split(backends({ name: 'reviews-v1', port: 80 }, { name: 'reviews-v2', port: 80 }), httpRoute);
    expect(currentPercent(found)).toBe(50);
    const original = writtenWeights(found);
    expect(original).toEqual([[null, null]]);
    expect(weightsAt(found, original, 75)).toEqual([[25, 75]]);
    const written = split(backends({ name: 'reviews-v1', weight: 25 }, { name: 'reviews-v2', weight: 75 }), httpRoute);
    expect(weightsAt(written, original, 90)).toEqual([[10, 90]]);
    expect(editsTo(written, original).map(({ value }) => value)).toEqual([undefined, undefined]);
  });
});

describe('a version that is not there', () => {
  it.each([
    [
      routes({ route: [v1] }),
      virtualService,
      '(there is v1): add to route of the rule that is meant\n  - { destination: { host: reviews, subset: v2 }, weight: 0 }',
    ],
    [backends({ name: 'reviews-v1', port: 9080 }), httpRoute, '- { name: reviews-v2, port: 9080, weight: 0 }'],
    [
      routes({ route: [v2] }),
      virtualService,
      'v2 shares its traffic with no other version: in spec.http[0] it is alone',
    ],
    [routes({ redirect: {} }), virtualService, 'it has no destinations below spec.http'],
    [routes({ route: [v1, v2, v2] }), virtualService, 'spec.http[0] has several destinations that are called v2'],
  ])('is refused with what there is to do', (object, kind, message) => {
    expect(() => split(object, kind)).toThrow(message);
  });

  it('cannot take traffic where there is none', () => {
    const found = split(reviewsRoute({ v1: 0, v2: 0 }));
    expect(() => weightsAt(found, writtenWeights(found), 50)).toThrow('in spec.http[0] nobody has traffic');
  });
});

describe('several rules', () => {
  const rule = (name: string, one: number, two: number, host = 'reviews') => ({
    name,
    route: [
      { destination: { host, subset: 'v1' }, weight: one },
      { destination: { host, subset: 'v2' }, weight: two },
    ],
  });

  it('begin where the version has least, and none of them gives it less than it has', () => {
    const found = split(routes(rule('staff', 50, 50), rule('testers', 0, 100), rule('all', 100, 0)));
    expect(currentPercent(found)).toBe(0);
    const original = writtenWeights(found);
    const at = (percent: number) => weightsAt(found, original, percent);
    expect(at(5)).toEqual([
      [50, 50],
      [0, 100],
      [95, 5],
    ]);
    expect(at(75)).toEqual([
      [25, 75],
      [0, 100],
      [25, 75],
    ]);
    expect(editsTo(found, original)).toEqual([]);
  });

  it('of several hosts are not moved at once: nobody would watch the second', () => {
    const both = routes(rule('a', 100, 0), rule('b', 100, 0, 'ratings'));
    expect(() => split(both)).toThrow(
      'v2 is a version of several hosts (reviews.default.svc.cluster.local in spec.http[0] (a), ' +
        'ratings.default.svc.cluster.local in spec.http[1] (b)): name one with --host',
    );
    for (const host of ['ratings', 'ratings.default', 'ratings.default.svc.cluster.local']) {
      const found = findSplit({ ...ask, kind: virtualService, object: both, host });
      expect(found.rules.map(({ label }) => label)).toEqual(['spec.http[1] (b)']);
      expect(found.canary.host).toBe('ratings.default.svc.cluster.local');
    }
    expect(() => findSplit({ ...ask, kind: virtualService, object: both, host: 'rating' })).toThrow(
      'no destination has the host rating (there is reviews.default.svc.cluster.local, ratings.default',
    );
  });

  it('tell apart subsets of one name', () => {
    const ratings = (subset: string) => ({ destination: { host: 'ratings', subset }, weight: 10 });
    const object = routes({ route: [{ ...v1, weight: 80 }, ratings('v1'), { ...v2, weight: 10 }, v2] });
    expect(() => split(object)).toThrow('several destinations that are called v2: merge them');
    const found = split(routes({ route: [{ ...v1, weight: 80 }, ratings('v1'), { ...v2, weight: 10 }] }));
    const [reviews, other] = ['reviews', 'ratings'].map((host) => `${host}.default.svc.cluster.local/v1`);
    expect(ruleWeights(found, writtenWeights(found))).toEqual([
      { rule: 'spec.http[0]', weights: { [reviews!]: 80, [other!]: 10, v2: 10 } },
    ]);
    expect(describeWeights(found, writtenWeights(found))).toBe(`${reviews}=80 ${other}=10 v2=10`);
  });

  it.each(['100', -1, 1.5, null])('with a weight of %j are refused', (weight) => {
    expect(() => split(routes({ route: [v1, { ...v2, weight }] }))).toThrow(
      `spec.http[0].route[1].weight: ${JSON.stringify(weight)} is no whole number`,
    );
  });
});
