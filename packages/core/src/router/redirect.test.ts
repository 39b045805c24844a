import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PathMatcher, RedirectAction } from '../model/route.js';
import { type TestCallInit, testCall } from '../testing/index.js';
import { redirectLocation } from './redirect.js';

const prefix = (value: string): PathMatcher => ({ kind: 'prefix', value, ignoreCase: false });

function location(action: Partial<RedirectAction>, call: TestCallInit, match = prefix('/')): string {
  return redirectLocation({ ...unchanged, ...action }, match, testCall(call));
}

const unchanged: RedirectAction = {
  kind: 'redirect',
  httpStatus: 301,
  scheme: undefined,
  host: undefined,
  port: undefined,
  path: undefined,
  stripQuery: false,
};

describe('redirectLocation', () => {
  it.each([
    [{}, 'http', 'reviews:8080', 'http://reviews:8080/a?b=c'],
    [{ host: 'example.com' }, 'http', 'reviews:8080', 'http://example.com/a?b=c'],
    [{ scheme: 'https' }, 'http', 'reviews:80', 'https://reviews/a?b=c'],
    [{ scheme: 'https' }, 'http', 'reviews:8080', 'https://reviews:8080/a?b=c'],
    [{ scheme: 'http' }, 'https', 'reviews:443', 'http://reviews/a?b=c'],
    [{ scheme: 'http' }, 'http', 'reviews:80', 'http://reviews:80/a?b=c'],
    [{ scheme: 'https' }, 'http', 'reviews:443', 'https://reviews:443/a?b=c'],
    [{ port: 9443 }, 'http', 'reviews:80', 'http://reviews:9443/a?b=c'],
    [{ port: 9443 }, 'http', '[::1]:80', 'http://[::1]:9443/a?b=c'],
    [{ port: 0 }, 'http', '[::1]:80', 'http://[::1]/a?b=c'],
    [{ scheme: 'https' }, 'http', '[::80]', 'https://[::80]/a?b=c'],
    [{ port: 0 }, 'http', 'reviews:8080', 'http://reviews/a?b=c'],
    [{ host: 'example.com:1', port: 2 }, 'http', 'reviews', 'http://example.com:2/a?b=c'],
    [{ stripQuery: true }, 'http', 'reviews', 'http://reviews/a'],
  ] as const)('builds scheme, host and port for %j of %s://%s', (action, scheme, authority, result) => {
    expect(location(action, { scheme, authority, path: '/a?b=c' })).toBe(result);
  });

  it.each([
    [{ path: { kind: 'full', value: '/new' } }, '/old/x?q=1', '/new?q=1'],
    [{ path: { kind: 'full', value: '/new?own=1' } }, '/old/x?q=1', '/new?own=1'],
    [{ path: { kind: 'full', value: '/new?own=1' }, stripQuery: true }, '/old/x?q=1', '/new?own=1'],
    [{ path: { kind: 'full', value: '/new' }, stripQuery: true }, '/old/x?q=1', '/new'],
    [{ path: { kind: 'full', value: 'new' } }, '/old', '/new'],
    [{ path: { kind: 'full', value: '' } }, '/old?q=1', '/old?q=1'],
    [{ path: { kind: 'prefix', value: '/new' } }, '/old/x?q=1', '/new/x?q=1'],
    [{ path: { kind: 'prefix', value: '/new' }, stripQuery: true }, '/old/x?q=1', '/new/x'],
  ] as const)('builds the path for %j of %s', (action, path, result) => {
    expect(location(action, { path }, prefix('/old'))).toBe(`http://reviews${result}`);
  });

  it('is a URL, whatever the redirect and the request', () => {
    const host = fc.constantFrom('reviews', 'a.example', '10.0.0.1', '[::1]');
    const port = fc.option(fc.nat(65_535), { nil: undefined });
    const scheme = fc.constantFrom('http' as const, 'https' as const);
    const text = fc.stringMatching(/^[ -~]{0,12}$/);
    const path = fc.oneof(
      fc.constant(undefined),
      text.map((value) => ({ kind: 'full' as const, value })),
      text.map((value) => ({ kind: 'prefix' as const, value })),
    );
    const action = fc.record({
      scheme: fc.option(scheme, { nil: undefined }),
      host: fc.option(host, { nil: undefined }),
      port,
      path,
      stripQuery: fc.boolean(),
    });
    fc.assert(
      fc.property(action, host, port, scheme, text, (redirect, name, requestPort, own, requested) => {
        const authority = requestPort === undefined ? name : `${name}:${requestPort}`;
        const result = location(redirect, { scheme: own, authority, path: `/${requested}` }, prefix('/'));
        expect(URL.canParse(result)).toBe(true);
        const { protocol, hostname } = new URL(result);
        expect(protocol).toBe(`${redirect.scheme ?? own}:`);
        expect(hostname).toBe(redirect.host ?? name);
      }),
    );
  });
});
