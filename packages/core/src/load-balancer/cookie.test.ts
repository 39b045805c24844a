import { describe, expect, it } from 'vitest';
import { HeaderList } from '../header-list.js';
import { cookieValue, setCookieHeader } from './cookie.js';

describe('cookieValue', () => {
  it.each([
    ['user=a', 'a'],
    ['other=b; user=a; user=c', 'a'],
    ['other=b;user=a', 'a'],
    ['user="a"', 'a'],
    ['user="', '"'],
    ['user=', ''],
    ['user=a=b', 'a=b'],
    ['user', undefined],
    ['xuser=a', undefined],
    ['User=a', undefined],
  ])('of %s is %s', (header, value) => {
    expect(cookieValue(HeaderList.of([['cookie', header]]), 'user')).toBe(value);
  });

  it('is looked for in every cookie header', () => {
    const headers = HeaderList.of([
      ['cookie', 'a=1'],
      ['x-cookie', 'user=no'],
      ['cookie', 'user=yes'],
    ]);
    expect(cookieValue(headers, 'user')).toBe('yes');
    expect(cookieValue(new HeaderList(), 'user')).toBeUndefined();
  });
});

describe('setCookieHeader', () => {
  it('writes what Envoy writes', () => {
    expect(setCookieHeader('name', 'value', 10, '')).toBe('name="value"; Max-Age=10; HttpOnly');
    expect(setCookieHeader('name', 'value', 10, '/path')).toBe('name="value"; Max-Age=10; Path=/path; HttpOnly');
    expect(setCookieHeader('name', 'value', 0, '')).toBe('name="value"; HttpOnly');
  });
});
