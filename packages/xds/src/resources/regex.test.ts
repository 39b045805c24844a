import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { RegexMatcherSchema } from '../messages.js';
import { FieldScope } from './field-scope.js';
import { decodeRegex } from './regex.js';

const decode = (regex: string) => FieldScope.collect((at) => decodeRegex(create(RegexMatcherSchema, { regex }), at));

const messageOf = (regex: string) => {
  const result = decode(regex);
  return result.ok ? 'valid' : result.errors[0]?.message;
};

describe('a regular expression', () => {
  it('matches the whole text only', () => {
    const result = decode('a|ab');
    if (!result.ok) throw new Error('should be valid');
    expect(['ab', 'a', 'abc', 'xab'].map((text) => result.value.matches(text))).toEqual([true, true, false, false]);
  });

  it('takes linear time where backtracking would take for ever', () => {
    const result = decode('(a+)+$');
    if (!result.ok) throw new Error('should be valid');
    expect(result.value.matches(`${'a'.repeat(5000)}!`)).toBe(false);
  });

  it('is refused when it is too long, empty or no RE2 syntax', () => {
    expect(messageOf('a'.repeat(4097))).toContain('4097 characters long');
    expect(messageOf('a'.repeat(4096))).toBe('valid');
    expect(messageOf('')).toBe('must not be empty');
    expect(messageOf('(?=a)')).toContain('not a valid RE2 expression');
    expect(messageOf('(a)\\1')).toContain('not a valid RE2 expression');
  });

  it.each([
    'a{1000}'.repeat(500),
    '(a{30}){30}'.repeat(300),
    '[a-z]{1000}'.repeat(100),
    '(?:[^/]{9}\\d){99}'.repeat(20),
  ])('is refused before it is compiled when its repetitions blow it up', (regex) => {
    expect(messageOf(regex)).toBe('is too large once its repetitions are counted');
  });

  it.each(['[a-z]{1,63}(\\.[a-z]{1,63}){0,5}', '/v[0-9]+/.*', '[]{1000}]{9}', '\\{1000\\}(a|b){2,3}', 'a{,5}'])(
    'is taken when it is of a normal size: %s',
    (regex) => {
      expect(messageOf(regex)).toBe('valid');
    },
  );
});
