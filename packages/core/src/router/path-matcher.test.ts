import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PathMatcher } from '../model/route.js';
import { testCall } from '../testing/index.js';
import { always, never } from './call-matcher.js';
import { compilePathMatcher } from './path-matcher.js';

function matches(matcher: PathMatcher, path: string): boolean {
  return compilePathMatcher(matcher)(testCall({ path }));
}

function literal(kind: 'exact' | 'prefix' | 'pathSeparatedPrefix', value: string, ignoreCase = false): PathMatcher {
  return { kind, value, ignoreCase };
}

describe('compilePathMatcher', () => {
  it.each([
    ['exact', '/foo', true],
    ['exact', '/foo?a=/foo', true],
    ['exact', '/foo#top', true],
    ['exact', '/foo/', false],
    ['exact', '/foobar', false],
    ['exact', '/fo', false],
    ['prefix', '/foo', true],
    ['prefix', '/foobar', true],
    ['prefix', '/foo?a=1', true],
    ['prefix', '/bar?/foo', false],
    ['pathSeparatedPrefix', '/foo', true],
    ['pathSeparatedPrefix', '/foo/bar', true],
    ['pathSeparatedPrefix', '/foo?a=1', true],
    ['pathSeparatedPrefix', '/foo#top', true],
    ['pathSeparatedPrefix', '/foobar', false],
    ['pathSeparatedPrefix', '/foo-bar/', false],
  ] as const)('%s `/foo` on %s is %s', (kind, path, expected) => {
    expect(matches(literal(kind, '/foo'), path)).toBe(expected);
  });

  it.each(['exact', 'prefix', 'pathSeparatedPrefix'] as const)('%s can ignore case', (kind) => {
    expect(matches(literal(kind, '/Foo', true), '/fOO?A=1')).toBe(true);
    expect(matches(literal(kind, '/Foo'), '/fOO')).toBe(false);
  });

  it('gives a regex the path without query and fragment', () => {
    const seen: string[] = [];
    const regex = { source: '.*', matches: (text: string) => seen.push(text) > 0 };
    matches({ kind: 'regex', regex }, '/foo?a=1#top');
    matches({ kind: 'regex', regex }, '/foo#top');
    matches({ kind: 'regex', regex }, '/foo');
    expect(seen).toEqual(['/foo', '/foo', '/foo']);
  });

  it('recognises a catch-all, which costs nothing', () => {
    expect(compilePathMatcher(literal('prefix', '/'))).toBe(always);
    expect(compilePathMatcher(literal('prefix', '/', true))).toBe(always);
    expect(compilePathMatcher(literal('exact', '/'))).not.toBe(always);
  });

  it('never matches a literal that reaches into the query', () => {
    expect(compilePathMatcher(literal('prefix', '/foo?a'))).toBe(never);
  });

  it('agrees with cutting the query off first', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'A', '/', '?', '#'), maxLength: 6 }).map((s) => `/${s}`);
    const kind = fc.constantFrom('exact' as const, 'prefix' as const, 'pathSeparatedPrefix' as const);
    fc.assert(
      fc.property(kind, text, fc.boolean(), text, (chosen, value, ignoreCase, path) => {
        expect(matches(literal(chosen, value, ignoreCase), path)).toBe(naive(chosen, value, ignoreCase, path));
      }),
      { numRuns: 2000 },
    );
  });
});

function naive(kind: string, value: string, ignoreCase: boolean, raw: string): boolean {
  const cut = raw.split(/[?#]/)[0]!;
  const path = ignoreCase ? cut.toLowerCase() : cut;
  const wanted = ignoreCase ? value.toLowerCase() : value;
  if (kind === 'exact') return path === wanted;
  if (kind === 'prefix') return path.startsWith(wanted);
  return path === wanted || path.startsWith(`${wanted}/`);
}
