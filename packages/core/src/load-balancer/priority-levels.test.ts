import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { priorityLevels } from './priority-levels.js';

/** Each priority as `healthy/total`. */
function levels(priorities: string, { overprovisioning = 140, panic = 50 } = {}) {
  const health = priorities.split(' ').map((text) => {
    const [healthy, total] = text.split('/').map(Number);
    return { healthy: healthy!, total: total! };
  });
  return priorityLevels(health, overprovisioning, panic);
}

function loads(priorities: string, options?: Parameters<typeof levels>[1]): number[] {
  return levels(priorities, options).map(({ load }) => load);
}

describe('priorityLevels shares the load as Envoy’s load_balancer_impl_base_test.cc says', () => {
  it.each([
    ['1/1 1/1', [100, 0], false],
    ['2/4 2/4', [70, 30], false],
    ['1/2 1/2', [70, 30], false],
    ['1/4 2/2', [35, 65], false],
    ['1/4 1/4', [50, 50], true],
    ['0/1 0/1', [50, 50], true],
    ['0/1 0/2', [34, 66], true],
    ['0/1 0/2 1/1', [0, 0, 100], false],
    ['1/1 0/2 1/1', [100, 0, 0], false],
    ['1/2 1/2 1/2', [70, 30, 0], false],
    ['1/4 2/2 1/2', [35, 65, 0], false],
    ['1/4 1/4 1/4', [35, 35, 30], false],
    ['1/5 1/5 1/5', [34, 33, 33], true],
    ['0/5 0/5 5/5', [0, 0, 100], false],
    ['0/5 0/5 4/5', [0, 0, 100], false],
    ['0/5 0/5 2/5', [34, 33, 33], true],
    ['0/5 0/3 0/2', [50, 30, 20], true],
    ['0/5 2/6 1/3', [37, 42, 21], true],
    ['0/3 0/3 0/3', [34, 33, 33], true],
    ['0/0 0/6 0/3', [0, 67, 33], true],
  ])('%s -> %j', (priorities, expected, panic) => {
    expect(loads(priorities)).toEqual(expected);
    for (const level of levels(priorities)) expect(level.panic).toBe(panic);
  });

  it('by the overprovisioning factor of the assignment', () => {
    expect(loads('2/4 2/4', { overprovisioning: 100 })).toEqual([50, 50]);
  });

  it('with panic in the priorities alone that are below the threshold', () => {
    expect(levels('1/10 3/6')).toEqual([
      { load: 17, panic: true },
      { load: 83, panic: false },
    ]);
  });

  it('without panic where the threshold is zero: the first priority, in which nothing is found', () => {
    expect(levels('0/2 0/2', { panic: 0 })).toEqual([
      { load: 100, panic: false },
      { load: 0, panic: false },
    ]);
  });
});

describe('priorityLevels', () => {
  it('always shares out 100 %, nothing of it to where nobody is while somebody is elsewhere', () => {
    const priority = fc
      .tuple(fc.nat(20), fc.nat(20))
      .map(([a, b]) => ({ healthy: Math.min(a, b), total: Math.max(a, b) }));
    const percent = fc.integer({ min: 0, max: 100 });
    fc.assert(
      fc.property(fc.array(priority, { minLength: 1, maxLength: 6 }), percent, (priorities, threshold) => {
        const result = priorityLevels(priorities, 140, threshold);
        expect(result.reduce((sum, { load }) => sum + load, 0)).toBe(100);
        const anyHealthy = priorities.some(({ healthy }) => healthy > 0);
        for (const [index, { load, panic }] of result.entries()) {
          if (anyHealthy && load > 0 && !panic) expect(priorities[index]!.healthy).toBeGreaterThan(0);
        }
      }),
    );
  });
});
