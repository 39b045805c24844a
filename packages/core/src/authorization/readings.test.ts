import { describe, expect, it } from 'vitest';
import type { Permission, RbacRules } from '../model/authorization.js';
import type { StringMatcher } from '../model/route.js';
import { testCall } from '../testing/builders.js';
import { canonicalAuthority } from './path-forms.js';
import { compileRbac } from './rbac.js';

const any = { kind: 'any' } as const;

function passes(action: RbacRules['action'], permission: Permission, init: Parameters<typeof testCall>[0]): boolean {
  const policies = [{ name: 'p', permissions: [permission], principals: [any] }];
  return compileRbac({ action, policies })(testCall(init)).allowed;
}

const path = (value: string, kind: 'exact' | 'prefix' = 'exact'): Permission => ({
  kind: 'path',
  matcher: { kind, value, ignoreCase: false },
});

const not = (permission: Permission): Permission => ({ kind: 'not', permission });

function header(name: string, matcher: StringMatcher, invert = false): Permission {
  return { kind: 'header', matcher: { name, test: { kind: 'string', matcher }, invert, treatMissingAsEmpty: false } };
}

const exact = (value: string): StringMatcher => ({ kind: 'exact', value, ignoreCase: false });

const lookAlikes = ['/admin', '/Admin', '/ADMIN/', '/admin/', '/admin?x'];

describe('a path that routers take for the one of a policy', () => {
  it.each(lookAlikes)('is refused by a deny policy: %s', (target) => {
    expect(passes('deny', path('/admin'), { path: target })).toBe(false);
    expect(passes('deny', path('/admin/', 'prefix'), { path: target })).toBe(false);
  });

  it.each(['/Admin', '/admin/', '/ADMIN'])('is not let in by an allow policy: %s', (target) => {
    expect(passes('allow', path('/admin'), { path: target })).toBe(false);
    expect(passes('allow', path('/admin'), { path: '/admin' })).toBe(true);
  });

  it.each(['/admin', '/Admin', '/admin/'])('is not let in by an allow policy for all others: %s', (target) => {
    expect(passes('allow', not(path('/admin')), { path: target })).toBe(false);
    expect(passes('allow', not(path('/admin')), { path: '/other' })).toBe(true);
  });

  it('is refused by a deny policy for all others unless it is the very one', () => {
    expect(passes('deny', not(path('/public')), { path: '/public' })).toBe(true);
    expect(passes('deny', not(path('/public')), { path: '/Public' })).toBe(false);
  });

  it('is refused in its decoded form', () => {
    expect(passes('deny', path('/@dmin'), { path: '/%40dmin' })).toBe(false);
    expect(passes('deny', path('/café'), { path: '/caf%C3%A9' })).toBe(false);
  });

  it('is refused by templates and regular expressions, too', () => {
    const test = (pattern: RegExp) => ({
      source: pattern.source,
      matches: (text: string) => pattern.test(text),
      matchesAnyCase: (text: string) => new RegExp(pattern, 'i').test(text),
    });
    const regex: Permission = { kind: 'path', matcher: { kind: 'regex', regex: test(/^\/aB\/[^/]+$/) } };
    const template: Permission = { kind: 'pathTemplate', template: { template: '/aB/{*}', ...test(/^\/aB\/[^/]+$/) } };
    for (const permission of [regex, template]) {
      expect(passes('deny', permission, { path: '/ab/b/' })).toBe(false);
      expect(passes('allow', permission, { path: '/ab/b/' })).toBe(false);
      expect(passes('allow', permission, { path: '/aB/b' })).toBe(true);
    }
  });
});

describe('a header that stands more than once', () => {
  const init = { headers: { version: ['v1', 'v2, v3'] } };

  it('is refused for any of its values', () => {
    for (const value of ['v1', 'v2', 'v3', 'v1,v2, v3']) {
      expect(passes('deny', header('version', exact(value)), init)).toBe(false);
    }
    expect(passes('deny', header('version', exact('v4')), init)).toBe(true);
  });

  it('is let in for all of them together alone', () => {
    expect(passes('allow', header('version', exact('v1')), init)).toBe(false);
    expect(passes('allow', not(header('version', exact('v1'))), init)).toBe(false);
    expect(passes('allow', header('version', exact('v4'), true), { headers: { version: 'v1' } })).toBe(true);
  });

  it('is refused by a policy against all but one value', () => {
    expect(passes('deny', header('version', exact('v1'), true), init)).toBe(false);
    expect(passes('deny', header('version', exact('v1'), true), { headers: { version: 'v1' } })).toBe(true);
  });
});

describe('bytes beyond ASCII in a header', () => {
  const latin1 = (bytes: string) => Buffer.from(bytes).toString('latin1');

  it('are compared as UTF-8 by policies that refuse', () => {
    expect(passes('deny', header('name', exact('é')), { headers: { name: latin1('é') } })).toBe(false);
    expect(passes('deny', header('name', exact('e')), { headers: { name: latin1('é') } })).toBe(true);
  });

  it('that are no UTF-8 are refused by every policy about the header', () => {
    const init = { headers: { name: 'a\xff' } };
    expect(passes('deny', header('name', exact('other')), init)).toBe(false);
    expect(passes('allow', header('name', exact('other')), init)).toBe(false);
    expect(passes('allow', not(header('name', exact('other'))), init)).toBe(false);
  });
});

describe('a host', () => {
  it.each([
    ['Shop.Example', 'shop.example'],
    ['shop.example.', 'shop.example'],
    ['shop.example.:80', 'shop.example:80'],
    ['[::1]:80', '[::1]:80'],
  ])('%s is %s', (text, expected) => {
    expect(canonicalAuthority(text)).toBe(expected);
  });

  it('is refused by a policy against all others that is written in another case, as Envoy does', () => {
    expect(passes('deny', header(':authority', exact('Shop'), true), { authority: 'shop' })).toBe(false);
  });

  it('is let in only where what the client wrote is, too', () => {
    const permission = header(':authority', { kind: 'exact', value: 'shop.example', ignoreCase: true });
    const written = (host: string) => ({ authority: 'shop.example', headers: { host } });
    expect(passes('allow', permission, written('Shop.Example'))).toBe(true);
    expect(passes('allow', permission, written('shop.example.'))).toBe(false);
    expect(passes('deny', permission, written('shop.example.'))).toBe(false);
  });

  it('is refused with any port, and let in as the policy says', () => {
    const permission = header(':authority', { kind: 'exact', value: 'shop.example', ignoreCase: true });
    expect(passes('deny', permission, { authority: 'shop.example:8080' })).toBe(false);
    expect(passes('deny', permission, { authority: 'shop.example' })).toBe(false);
    expect(passes('allow', permission, { authority: 'shop.example:8080' })).toBe(false);
    expect(passes('allow', not(permission), { authority: 'shop.example:8080' })).toBe(false);
  });
});
