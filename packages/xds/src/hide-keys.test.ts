import { expect, it } from 'vitest';
import { hideKeys } from './hide-keys.js';

it('hides a word that looks random, and stands words of any length', () => {
  const random = 'aB3'.repeat(14);
  expect(hideKeys(`key: ${random}, name: reviews`)).toBe('key: (hidden), name: reviews');
  expect(hideKeys(`${'aB3'.repeat(4_000_000)}!`)).toBe('(hidden)!');
});
