import { expect, it } from 'vitest';
import { checkOptions } from './options.js';

const rest = { config: ['.'], logger: { info() {}, warn() {}, error() {} } };

it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('%s is no number of streams', (streamsPerSecond) => {
  expect(() => checkOptions({ ...rest, streamsPerSecond })).toThrow(
    `streamsPerSecond is ${streamsPerSecond}: it must be a number above 0`,
  );
});

it.each([0, -1, Number.NaN, 2 ** 31])('%s is no age of a connection', (maxConnectionAgeMs) => {
  expect(() => checkOptions({ ...rest, maxConnectionAgeMs })).toThrow(
    `maxConnectionAgeMs is ${maxConnectionAgeMs}: it must be above 0 and at most 1728000000`,
  );
});

it('what is left out or in its bounds is right, and all that is wrong is told at once', () => {
  expect(() => checkOptions({ ...rest, streamsPerSecond: 0.5, maxConnectionAgeMs: 1_728_000_000 })).not.toThrow();
  expect(() => checkOptions(rest)).not.toThrow();
  expect(() => checkOptions({ ...rest, streamsPerSecond: 0, maxConnectionAgeMs: 0 })).toThrow(
    /streamsPerSecond is 0.*maxConnectionAgeMs is 0/,
  );
});

it.each(['', 'Example.org', 'a/b', 'a b'])('%j is no trust domain', (trustDomain) => {
  const problem = `trustDomain is ${JSON.stringify(trustDomain)}: it must be of a-z`;
  expect(() => checkOptions({ ...rest, trustDomain })).toThrow(problem);
  expect(() => checkOptions({ ...rest, ca: { trustDomain } })).toThrow(`ca.${problem}`);
});

it('there is one trust domain', () => {
  expect(() => checkOptions({ ...rest, trustDomain: 'a.org', ca: { trustDomain: 'a.org' } })).not.toThrow();
  expect(() => checkOptions({ ...rest, trustDomain: 'a.org', ca: { trustDomain: 'b.org' } })).toThrow(
    'give one of them',
  );
  expect(() => checkOptions({ ...rest, trustDomain: 'a.org', ca: {} })).toThrow('ca.trustDomain is cluster.local');
});
