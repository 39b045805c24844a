import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalPath } from './canonical-path.js';

const base = (target: string) => {
  const result = canonicalPath(target, 'base');
  return result.kind === 'canonical' ? result.path : `! ${result.reason}`;
};

describe('the canonical path', () => {
  it.each([
    ['/', '/'],
    ['/a/b', '/a/b'],
    ['/a/b/', '/a/b/'],
    ['/A/b', '/A/b'],
    ['/a/./b', '/a/b'],
    ['/a/../b', '/b'],
    ['/a/b/..', '/a/'],
    ['/a/b/.', '/a/b/'],
    ['/..', '/'],
    ['/../../etc', '/etc'],
    ['/a/...', '/a/...'],
    ['/%61dmin', '/admin'],
    ['/a/%2e%2E/b', '/b'],
    ['/a%20b', '/a%20b'],
    ['/caf%c3%a9', '/caf%C3%A9'],
    ['/%7euser', '/~user'],
    ['/a%252fb', '/a%252fb'],
    ['/a?x=/../%2f;', '/a?x=/../%2f;'],
    ['/a/..?b', '/?b'],
  ])('of %s is %s', (target, expected) => {
    expect(base(target)).toBe(expected);
  });

  it.each([
    ['/admin%2fsecret', 'an encoded slash'],
    ['/admin%5Csecret', 'an encoded backslash'],
    ['/admin\\secret', 'a backslash'],
    ['/admin%00', 'a control character'],
    ['/admin%0a', 'a control character'],
    ['/admin%7f', 'a control character'],
    ['/admin#x', 'a fragment'],
    ['/admin?a#x', 'a fragment'],
    ['//admin', 'two slashes in a row'],
    ['/a//b', 'two slashes in a row'],
    ['/public/..;/admin', 'a semicolon'],
    ['/admin;x=1', 'a semicolon'],
    ['/admin%3bx', 'a semicolon'],
    ['/admin%', 'a percent sign that encodes nothing'],
    ['/admin%zz', 'a percent sign that encodes nothing'],
    ['/%c0%afadmin', 'bytes that are not UTF-8'],
    ['/%e0%80%af', 'bytes that are not UTF-8'],
    ['/%ed%a0%80', 'bytes that are not UTF-8'],
    ['/%ff', 'bytes that are not UTF-8'],
    ['/é', 'a character that has to be percent-encoded'],
    ['/a b', 'a character that has to be percent-encoded'],
    ['*', 'no slash at its beginning'],
    ['', 'no slash at its beginning'],
  ])('does not exist for %s, which has %s', (target, reason) => {
    expect(base(target)).toBe(`! ${reason}`);
  });

  it('merges and decodes slashes where it is to', () => {
    expect(canonicalPath('//a///b/..//c', 'mergeSlashes')).toEqual({ kind: 'canonical', path: '/a/c' });
    expect(canonicalPath('/a%2fb', 'mergeSlashes')).toMatchObject({ kind: 'ambiguous' });
    expect(canonicalPath('/a%2Fb\\c%5c%2fd', 'decodeAndMergeSlashes')).toEqual({ kind: 'canonical', path: '/a/b/c/d' });
    expect(canonicalPath('/a%2f..%2fb', 'decodeAndMergeSlashes')).toEqual({ kind: 'canonical', path: '/b' });
  });

  it('of a canonical path is the path itself, without dot segments and encoded letters', () => {
    const piece = fc.constantFrom(
      '/',
      '.',
      '..',
      '%2e',
      '%61',
      'a',
      'B',
      '%20',
      '%C3%A9',
      '//',
      '%2f',
      '?',
      '%25',
      '-',
      '~',
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 12 }),
        fc.constantFrom('base', 'mergeSlashes', 'decodeAndMergeSlashes'),
        (pieces, normalization) => {
          const once = canonicalPath(`/${pieces.join('')}`, normalization);
          if (once.kind === 'ambiguous') return;
          expect(canonicalPath(once.path, normalization)).toEqual(once);
          const [path = ''] = once.path.split('?', 1);
          expect(path).not.toMatch(/\/\.\.?(\/|$)|\/\/|%2e|%61|%2f/i);
        },
      ),
    );
  });
});
