import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { problemsOf } from '../../test/fixtures.js';
import { RedirectAction_RedirectResponseCode, RedirectActionSchema } from '../messages.js';
import { decodeRedirect } from './decode-redirect.js';
import { FieldScope } from './field-scope.js';

const decode = (init: Exclude<MessageInitShape<typeof RedirectActionSchema>, { $typeName: string }>) =>
  FieldScope.collect((at) => decodeRedirect(create(RedirectActionSchema, init), at));

const { FOUND, SEE_OTHER, TEMPORARY_REDIRECT, PERMANENT_REDIRECT } = RedirectAction_RedirectResponseCode;

describe('a redirect', () => {
  it('keeps everything of the request unless it is told otherwise', () => {
    expect(decode({})).toEqual({
      ok: true,
      warnings: [],
      value: {
        kind: 'redirect',
        httpStatus: 301,
        scheme: undefined,
        host: undefined,
        port: undefined,
        path: undefined,
        stripQuery: false,
      },
    });
  });

  it('takes every field', () => {
    const result = decode({
      schemeRewriteSpecifier: { case: 'schemeRedirect', value: 'http' },
      hostRedirect: 'h',
      portRedirect: 8080,
      pathRewriteSpecifier: { case: 'pathRedirect', value: '/p' },
      responseCode: FOUND,
      stripQuery: true,
    });
    expect(result).toMatchObject({
      value: {
        httpStatus: 302,
        scheme: 'http',
        host: 'h',
        port: 8080,
        path: { kind: 'full', value: '/p' },
        stripQuery: true,
      },
    });
  });

  it('may go to https', () => {
    const https = (value: boolean) => decode({ schemeRewriteSpecifier: { case: 'httpsRedirect', value } });
    expect(https(true)).toMatchObject({ value: { scheme: 'https' } });
    expect(https(false)).toMatchObject({ value: { scheme: undefined } });
  });

  it('may rewrite the path', () => {
    const regex = { pattern: { regex: 'a' }, substitution: 'b' };
    const path = (pathRewriteSpecifier: Parameters<typeof decode>[0]['pathRewriteSpecifier']) => {
      const result = decode({ pathRewriteSpecifier });
      return result.ok ? result.value.path : problemsOf(result);
    };
    expect(path({ case: 'prefixRewrite', value: '/x' })).toEqual({ kind: 'prefix', value: '/x' });
    expect(path({ case: 'regexRewrite', value: regex })).toMatchObject({ kind: 'regex', rewrite: { source: 'a' } });
    expect(path({ case: 'pathRedirect', value: '' })).toBeUndefined();
    expect(path({ case: 'regexRewrite', value: {} })).toEqual(['regex_rewrite.pattern: is missing']);
  });

  it.each([
    [SEE_OTHER, 303],
    [TEMPORARY_REDIRECT, 307],
    [PERMANENT_REDIRECT, 308],
  ])('has the status of code %i', (responseCode, httpStatus) => {
    expect(decode({ responseCode })).toMatchObject({ value: { httpStatus } });
  });

  it('says what is wrong', () => {
    expect(problemsOf(decode({ portRedirect: 65_536, responseCode: 9 as 0 }))).toEqual([
      'port_redirect: 65536 is more than 65535',
      'response_code: 9 is unknown',
    ]);
    const scheme = decode({ schemeRewriteSpecifier: { case: 'schemeRedirect', value: 'ftp' } });
    expect(problemsOf(scheme)).toEqual(['scheme_redirect: "ftp" should be "http" or "https"']);
  });
});
