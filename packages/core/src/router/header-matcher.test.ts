import { describe, expect, it } from 'vitest';
import type { HeaderMatcher } from '../model/route.js';
import { type TestCallInit, testCall } from '../testing/index.js';
import { compileHeaderMatcher } from './header-matcher.js';

type Options = Partial<Pick<HeaderMatcher, 'name' | 'invert' | 'treatMissingAsEmpty'>>;

function matches(test: HeaderMatcher['test'], init: TestCallInit, options: Options = {}): boolean {
  const matcher = { name: 'x-user', test, invert: false, treatMissingAsEmpty: false, ...options };
  return compileHeaderMatcher(matcher)(testCall(init));
}

function exact(value: string): HeaderMatcher['test'] {
  return { kind: 'string', matcher: { kind: 'exact', value, ignoreCase: false } };
}

const jason = { headers: { 'x-user': 'jason' } };
const nobody = {};

describe('compileHeaderMatcher', () => {
  it('compares the value', () => {
    expect(matches(exact('jason'), jason)).toBe(true);
    expect(matches(exact('jane'), jason)).toBe(false);
    expect(matches(exact('jane'), jason, { invert: true })).toBe(true);
  });

  it('compares all values joined by a comma', () => {
    const twice = { headers: { 'x-user': ['jason', 'jane'] } };
    expect(matches(exact('jason,jane'), twice)).toBe(true);
    expect(matches(exact('jason'), twice)).toBe(false);
  });

  it('fails on a missing header, inverted or not', () => {
    expect(matches(exact('jason'), nobody)).toBe(false);
    expect(matches(exact('jason'), nobody, { invert: true })).toBe(false);
    expect(matches({ kind: 'range', start: 0, end: 10 }, nobody, { invert: true })).toBe(false);
  });

  it('takes a missing header for an empty one when told to', () => {
    const options = { treatMissingAsEmpty: true };
    expect(matches(exact(''), nobody, options)).toBe(true);
    expect(matches(exact('jason'), nobody, options)).toBe(false);
    expect(matches(exact('jason'), nobody, { ...options, invert: true })).toBe(true);
    expect(matches({ kind: 'range', start: 0, end: 10 }, nobody, { ...options, invert: true })).toBe(true);
  });

  it.each([
    // present, invert, on a header that is there, on one that is missing
    [true, false, true, false],
    [true, true, false, true],
    [false, false, false, true],
    [false, true, true, false],
  ])('present %s inverted %s is %s with the header and %s without', (present, invert, withHeader, without) => {
    for (const treatMissingAsEmpty of [false, true]) {
      expect(matches({ kind: 'present', present }, jason, { invert, treatMissingAsEmpty })).toBe(withHeader);
      expect(matches({ kind: 'present', present }, nobody, { invert, treatMissingAsEmpty })).toBe(without);
    }
  });

  it.each([
    ['10', true],
    ['19', true],
    ['20', false],
    ['9', false],
    ['+12', true],
    [' 12 ', true],
    ['12.5', false],
    ['0x0b', false],
    ['1e1', false],
    ['', false],
    ['-11', false],
  ])('range [10, 20) on `%s` is %s', (value, expected) => {
    expect(matches({ kind: 'range', start: 10, end: 20 }, { headers: { 'x-user': value } })).toBe(expected);
  });

  it('reads the request line as pseudo headers', () => {
    const init = { method: 'POST', path: '/a?b=c', authority: 'reviews:9080', scheme: 'https' } as const;
    expect(matches(exact('POST'), init, { name: ':method' })).toBe(true);
    expect(matches(exact('/a?b=c'), init, { name: ':path' })).toBe(true);
    expect(matches(exact('https'), init, { name: ':scheme' })).toBe(true);
    expect(matches(exact('reviews:9080'), init, { name: ':authority' })).toBe(true);
    expect(matches(exact('reviews:9080'), init, { name: 'host' })).toBe(true);
  });

  it('counts binary metadata of gRPC as absent', () => {
    const headers = { 'x-token-bin': 'AAEC' };
    const present = { kind: 'present', present: true } as const;
    expect(matches(present, { headers, protocol: 'grpc' }, { name: 'x-token-bin' })).toBe(false);
    expect(matches(present, { headers, protocol: 'http' }, { name: 'x-token-bin' })).toBe(true);
  });
});
