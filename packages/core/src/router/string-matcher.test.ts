import { describe, expect, it } from 'vitest';
import type { CompiledRegex } from '../model/route.js';
import { compileStringMatcher } from './string-matcher.js';

const digits: CompiledRegex = { source: '\\d+', matches: (text) => /^(?:\d+)$/.test(text) };

describe('compileStringMatcher', () => {
  it.each([
    ['exact', 'bar', true],
    ['exact', 'barn', false],
    ['prefix', 'barn', true],
    ['prefix', 'crowbar', false],
    ['suffix', 'crowbar', true],
    ['suffix', 'barn', false],
    ['contains', 'crowbars', true],
    ['contains', 'brass', false],
    ['exact', 'BAR', false],
  ] as const)('%s `bar` on %s is %s', (kind, text, expected) => {
    expect(compileStringMatcher({ kind, value: 'bar', ignoreCase: false })(text)).toBe(expected);
  });

  it.each(['exact', 'prefix', 'suffix', 'contains'] as const)('%s can ignore case on both sides', (kind) => {
    expect(compileStringMatcher({ kind, value: 'BaR', ignoreCase: true })('bAr')).toBe(true);
  });

  it('gives the whole text to a regex', () => {
    const matches = compileStringMatcher({ kind: 'regex', regex: digits });
    expect(matches('123')).toBe(true);
    expect(matches('a123')).toBe(false);
  });

  it('takes an empty exact value for the empty text only', () => {
    const matches = compileStringMatcher({ kind: 'exact', value: '', ignoreCase: false });
    expect(matches('')).toBe(true);
    expect(matches('a')).toBe(false);
  });
});
