import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type RouteMatch, RouteMatchSchema } from '@inmesh/xds/messages';
import { describe, expect, it } from 'vitest';
import { asGrpcMatches } from './route-matches.js';

type Init = Exclude<MessageInitShape<typeof RouteMatchSchema>, RouteMatch>;
type HeaderInit = NonNullable<Init['headers']>[number];

const anyPath = { case: 'prefix', value: '/' } as const;

function matchOf(init: Init): RouteMatch {
  return create(RouteMatchSchema, { pathSpecifier: anyPath, ...init });
}

function exact(name: string, value: string, more: object = {}): HeaderInit {
  const matchPattern = { case: 'exact', value } as const;
  return { name, headerMatchSpecifier: { case: 'stringMatch', value: { matchPattern } }, ...more };
}

function regex(name: string, value: string, more: object = {}): HeaderInit {
  const matchPattern = { case: 'safeRegex', value: { regex: value } } as const;
  return { name, headerMatchSpecifier: { case: 'stringMatch', value: { matchPattern } }, ...more };
}

/** `x=a`, `!x=a` and `x`, `!x` for presence. */
function headersOf(init: HeaderInit): string[] {
  return asGrpcMatches(matchOf({ headers: [init] })).map(({ headers }) =>
    headers
      .map(({ name, invertMatch, headerMatchSpecifier: test }) => {
        const pattern = test.case === 'stringMatch' ? test.value.matchPattern : undefined;
        const value = pattern?.case === 'safeRegex' ? pattern.value.regex : pattern?.value;
        return `${invertMatch ? '!' : ''}${name}${value === undefined ? '' : `=${String(value)}`}`;
      })
      .join(' '),
  );
}

describe('A match for gRPC', () => {
  it('stays the same object where gRPC has the words', () => {
    const match = matchOf({ pathSpecifier: { case: 'path', value: '/a' }, headers: [exact('x', 'a')] });
    expect(asGrpcMatches(match)).toEqual([match]);
    expect(asGrpcMatches(match)[0]).toBe(match);
  });

  it('says a path-separated prefix by two', () => {
    const match = matchOf({ pathSpecifier: { case: 'pathSeparatedPrefix', value: '/abc' }, caseSensitive: false });
    expect(asGrpcMatches(match).map(({ pathSpecifier, caseSensitive }) => [pathSpecifier, caseSensitive])).toEqual([
      [{ case: 'path', value: '/abc' }, false],
      [{ case: 'prefix', value: '/abc/' }, false],
    ]);
  });

  it('is none where a query is asked for, or a tunnel', () => {
    const query = { name: 'a', queryParameterMatchSpecifier: { case: 'presentMatch', value: true } } as const;
    expect(asGrpcMatches(matchOf({ queryParameters: [query] }))).toEqual([]);
    expect(asGrpcMatches(matchOf({ pathSpecifier: { case: 'connectMatcher', value: {} } }))).toEqual([]);
  });

  it('puts the alternatives of an expression into a group', () => {
    const [match] = asGrpcMatches(matchOf({ pathSpecifier: { case: 'safeRegex', value: { regex: '/a|/b' } } }));
    expect(match?.pathSpecifier.value).toMatchObject({ regex: '(?:/a|/b)' });
    expect(headersOf(regex('x', 'a|b'))).toEqual(['x=(?:a|b)']);
    expect(headersOf(regex('x', 'ab'))).toEqual(['x=ab']);
  });

  it.each([
    ['POST', ['']],
    ['GET', []],
  ])('knows that the method is POST: %s', (method, expected) => {
    expect(headersOf(exact(':method', method))).toEqual(expected);
  });

  it.each([
    [regex(':method', 'GET|POST'), ['']],
    [exact(':method', 'GET', { invertMatch: true }), ['']],
    [exact(':method', 'POST', { invertMatch: true }), []],
    [regex(':method', '(?i)(?P<m>post)'), ['']],
    [regex(':method', '(POST'), [':method=(POST']],
    [exact(':scheme', 'http'), ['']],
    [exact(':scheme', 'https'), []],
    [regex('content-type', 'application/grpc(\\+.*)?'), ['']],
    [exact('content-type', 'application/json'), []],
  ])('decides on what all calls have: %j', (header, expected) => {
    expect(headersOf(header)).toEqual(expected);
  });

  it('says of an inverted test whether the header has to be there', () => {
    expect(headersOf(exact('x', 'a', { invertMatch: true }))).toEqual(['x !x=a']);
    const without = { invertMatch: true, treatMissingHeaderAsEmpty: true };
    expect(headersOf(exact('x', 'a', without))).toEqual(['!x', 'x !x=a']);
    expect(headersOf(exact('x', '', without))).toEqual(['x !x=']);
    expect(headersOf(regex('x', '(?i)a', without))).toEqual(['!x', 'x !x=(?i)a']);
  });

  it('is one for each combination', () => {
    const without = { invertMatch: true, treatMissingHeaderAsEmpty: true };
    const match = matchOf({
      pathSpecifier: { case: 'pathSeparatedPrefix', value: '/a' },
      headers: [exact('x', 'a', without), exact('y', 'a', without)],
    });
    expect(asGrpcMatches(match)).toHaveLength(8);
  });
});
