import { expect, it } from 'vitest';
import { hostTest } from './host-test.js';

it.each([
  ['shop.example.com', 'shop.example.com', true],
  ['shop.example.com', 'SHOP.example.COM', true],
  ['shop.example.com', '*.example.com', true],
  ['shop.example.com', '*.com', false],
  ['shop.example.com', 's*.example.com', false],
  ['a.shop.example.com', '*.example.com', false],
  ['example.com', '*.example.com', false],
  ['shop', '*', false],
])('the host %s has a certificate for %s: %s', (host, name, expected) => {
  expect(hostTest(host)(name)).toBe(expected);
});
