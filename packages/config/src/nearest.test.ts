import { describe, expect, it } from 'vitest';
import { didYouMean, nearest } from './nearest.js';

describe('The nearest name', () => {
  it('is the one with the fewest changes, whatever its case', () => {
    expect(nearest('perTryTimout', ['attempts', 'perTryTimeout', 'retryOn'])).toBe('perTryTimeout');
    expect(nearest('PERTRYTIMEOUT', ['perTryTimeout'])).toBe('perTryTimeout');
    expect(didYouMean('hots', ['host', 'port'])).toBe('did you mean "host"?');
  });

  it('is none when nothing is close', () => {
    expect(nearest('mirror', ['attempts', 'port'])).toBeUndefined();
    expect(didYouMean('x', [])).toBeUndefined();
  });
});
