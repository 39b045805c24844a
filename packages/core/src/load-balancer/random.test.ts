import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { testEndpointViews } from '../testing/index.js';
import { RandomChoice } from './random.js';

describe('RandomChoice', () => {
  it('takes each endpoint for an equal stretch of the random numbers, whatever its weight', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 20 }), (list, each) => {
        const views = testEndpointViews(list.map((weight) => ({ weight })));
        const draws = list.length * each;
        const counts = views.map(() => 0);
        let draw = 0;
        const balancer = new RandomChoice(views, () => (draw + 0.5) / draws);
        for (; draw < draws; draw += 1) counts[views.indexOf(balancer.pick()!)]! += 1;
        expect(counts).toEqual(views.map(() => each));
      }),
    );
  });

  it('steps over what was removed, and finds nothing when all was', () => {
    const views = testEndpointViews([{}, {}, {}]);
    views[1]!.state.removed = true;
    expect(new RandomChoice(views, () => 0.5).pick()).toBe(views[2]);
    for (const view of views) view.state.removed = true;
    expect(new RandomChoice(views, () => 0.5).pick()).toBeUndefined();
    expect(new RandomChoice([], () => 0.5).pick()).toBeUndefined();
  });
});
