import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CompiledRewrite, PathMatcher, PathRewrite } from '../model/route.js';
import { withoutQuery } from './path-matcher.js';
import { rewritePath } from './path-rewrite.js';

const prefix = (value: string): PathMatcher => ({ kind: 'prefix', value, ignoreCase: false });
const to = (value: string): PathRewrite => ({ kind: 'prefix', value });

function regex(source: string, substitution: string): PathRewrite {
  const rewrite: CompiledRewrite = {
    source,
    substitution,
    rewrite: (text) => text.replace(new RegExp(source, 'g'), substitution),
  };
  return { kind: 'regex', rewrite };
}

describe('rewritePath', () => {
  it.each([
    ['/foo', '/', '/foo/x', '//x'],
    ['/foo/', '/', '/foo/x', '/x'],
    ['/foo', '/bar', '/foobar', '/barbar'],
    ['/foo', '/bar', '/foo', '/bar'],
    ['/', '/api/', '/x', '/api/x'],
    ['/foo', '/bar', '/foo?a=/foo', '/bar?a=/foo'],
    ['/foo', '', '/foo/x', '/foo/x'],
    ['/foo/', 'bar/', '/foo/x', '/bar/x'],
  ])('replaces prefix %s by %s: %s becomes %s', (from, value, path, result) => {
    expect(rewritePath(to(value), prefix(from), path)).toBe(result);
  });

  it('replaces the whole of an exact path and of one that a regex matched', () => {
    expect(rewritePath(to('/b'), { kind: 'exact', value: '/a', ignoreCase: false }, '/a?q=1')).toBe('/b?q=1');
    const matcher: PathMatcher = { kind: 'regex', regex: { source: '/a.*', matches: () => true } };
    expect(rewritePath(to('/b'), matcher, '/a/c?q=1#f')).toBe('/b?q=1#f');
  });

  it('replaces what a regex finds, in the path alone', () => {
    const rewrite = regex('/service/([^/]+)(/.*)', '$2/instance/$1');
    expect(rewritePath(rewrite, prefix('/'), '/service/foo/v1/api?x=/service/a/b')).toBe(
      '/v1/api/instance/foo?x=/service/a/b',
    );
    expect(rewritePath(regex('.*', ''), prefix('/'), '/kept?x')).toBe('/kept?x');
  });

  it('keeps the query and the fragment, whatever the path, and begins with a slash', () => {
    const segment = fc.stringMatching(/^[a-z/]{0,8}$/);
    const rest = fc.oneof(fc.constant(''), fc.stringMatching(/^[?#][a-z/?#=&]{0,12}$/));
    fc.assert(
      fc.property(segment, segment, rest, segment, (matched, tail, suffix, value) => {
        const path = `/${matched}${tail}${suffix}`;
        const result = rewritePath(to(value), prefix(`/${matched}`), path);
        expect(result.startsWith('/')).toBe(true);
        expect(result.endsWith(suffix)).toBe(true);
        if (value !== '') expect(withoutQuery(result)).toBe(`${value.startsWith('/') ? '' : '/'}${value}${tail}`);
      }),
    );
  });
});
