import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EdfSchedule } from './edf-schedule.js';

const one = () => 1;
const none = () => false;

function picks(schedule: EdfSchedule, count: number): number[] {
  return Array.from({ length: count }, () => schedule.pick());
}

describe('EdfSchedule', () => {
  const weights = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 });

  it('begins at each point of its cycle as if the picks before it had been made', () => {
    fc.assert(
      fc.property(weights, fc.nat(), (list, seed) => {
        const total = list.reduce((a, b) => a + b, 0);
        const skipped = seed % total;
        const whole = picks(new EdfSchedule(list, one, none, () => 0), 2 * total);
        // The middle of the share, so that rounding does not lead into the one beside it.
        const started = new EdfSchedule(list, one, none, () => (skipped + 0.5) / total);
        expect(picks(started, total)).toEqual(whole.slice(skipped, skipped + total));
      }),
    );
  });

  it('gives a light entry its share even when each pick is made by a new schedule', () => {
    const counts = [0, 0];
    for (let i = 0; i < 1000; i += 1) counts[new EdfSchedule([9, 1], one, none, () => i / 1000).pick()]! += 1;
    expect(counts).toEqual([900, 100]);
  });

  it('steps over what is out, and finds nothing when all is', () => {
    let out = [false, true];
    const schedule = new EdfSchedule(
      [1, 5],
      one,
      (index) => out[index]!,
      () => 0,
    );
    expect(picks(schedule, 3)).toEqual([0, 0, 0]);
    out = [true, true];
    expect(schedule.pick()).toBe(-1);
    expect(new EdfSchedule([], one, none, () => 0.9).pick()).toBe(-1);
  });
});
