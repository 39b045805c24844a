import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { problemsOf } from '../../test/fixtures.js';
import { RegexMatchAndSubstituteSchema } from '../messages.js';
import { FieldScope } from './field-scope.js';
import { decodeRegexRewrite } from './regex-rewrite.js';

const decode = (regex: string, substitution: string) =>
  FieldScope.collect((at) =>
    decodeRegexRewrite(create(RegexMatchAndSubstituteSchema, { pattern: { regex }, substitution }), at),
  );

const rewrite = (regex: string, substitution: string, text: string) => {
  const result = decode(regex, substitution);
  return result.ok ? result.value.rewrite(text) : problemsOf(result);
};

describe('a rewrite by a regular expression', () => {
  // The first four are those of route_components.proto `regex_rewrite`.
  it.each([
    ['^/service/([^/]+)(/.*)$', '\\2/instance/\\1', '/service/foo/v1/api', '/v1/api/instance/foo'],
    ['one', 'two', '/xxx/one/yyy/one/zzz', '/xxx/two/yyy/two/zzz'],
    ['^(.*?)one(.*)$', '\\1two\\2', '/xxx/one/yyy/one/zzz', '/xxx/two/yyy/one/zzz'],
    ['(?i)/xxx/', '/yyy/', '/aaa/XxX/bbb', '/aaa/yyy/bbb'],
    ['b+', '[\\0]', 'abbcb', 'a[bb]c[b]'],
    ['a', '\\\\', 'bab', 'b\\b'],
    ['(x)?y', '<\\1>', 'yxy', '<><x>'],
    ['nothing', 'x', '/abc', '/abc'],
    ['a', '$1&$&', 'a', '$1&$&'],
    ['', '', 'abc', ['pattern.regex: must not be empty']],
    ['a*', 'x', 'baac', 'xbxcx'],
    ['é', 'e', '/café/é', '/cafe/e'],
  ])('replaces every match of %s', (regex, substitution, text, expected) => {
    expect(rewrite(regex, substitution, text)).toEqual(expected);
  });

  it.each([
    ['\\2', 'substitution: "\\2" names a group, but the pattern has only 1'],
    ['\\x', 'substitution: "\\x" is neither a group, \\0 to \\9, nor an escaped \\'],
    ['a\\', 'substitution: "\\" is neither a group, \\0 to \\9, nor an escaped \\'],
  ])('refuses the substitution %s', (substitution, problem) => {
    expect(rewrite('(a)', substitution, '')).toEqual([problem]);
  });

  it('needs a pattern', () => {
    const message = create(RegexMatchAndSubstituteSchema, { substitution: 'x' });
    expect(problemsOf(FieldScope.collect((at) => decodeRegexRewrite(message, at)))).toEqual(['pattern: is missing']);
  });

  it('gives the text back when every match is replaced by itself', () => {
    fc.assert(fc.property(fc.string(), (text) => rewrite('[a-z]*', '\\0', text) === text));
  });
});
