import { expect, it } from 'vitest';
import { chooseProtocol } from './choose-protocol.js';

it.each([
  [['http/1.1'], ['h2', 'http/1.1'], 'http/1.1'],
  [['h2', 'http/1.1'], ['http/1.1', 'h2'], 'h2'],
  [['http/1.1'], ['istio', 'http/1.1'], 'http/1.1'],
  [['http/1.1'], ['istio'], 'istio'],
  [['h2'], ['istio', 'h2'], 'h2'],
  [['h2'], ['istio'], undefined],
  [['http/1.1'], ['h2'], undefined],
])('of %j a client that offers %j gets %s', (own, offered, chosen) => {
  expect(chooseProtocol(own, offered)).toBe(chosen);
});
