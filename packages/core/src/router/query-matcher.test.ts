import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { testCall } from '../testing/index.js';
import { compileQueryMatcher } from './query-matcher.js';

function present(name: string, path: string): boolean {
  return compileQueryMatcher({ name, matcher: undefined })(testCall({ path }));
}

function equals(name: string, value: string, path: string): boolean {
  const matcher = { kind: 'exact', value, ignoreCase: false } as const;
  return compileQueryMatcher({ name, matcher })(testCall({ path }));
}

describe('compileQueryMatcher', () => {
  it('finds a parameter wherever it stands', () => {
    for (const path of ['/?v=1', '/?a=2&v=1', '/?v=1&a=2', '/?&&v=1', '/?vv=2&v=1', '/?a=v=2&v=1']) {
      expect(equals('v', '1', path), path).toBe(true);
    }
  });

  it('looks at the first value only', () => {
    expect(equals('v', '1', '/?v=1&v=2')).toBe(true);
    expect(equals('v', '2', '/?v=1&v=2')).toBe(false);
  });

  it('takes a name without a value for an empty value', () => {
    expect(present('v', '/?v')).toBe(true);
    expect(equals('v', '', '/?v')).toBe(true);
    expect(equals('v', '', '/?v=')).toBe(true);
    expect(equals('v', '', '/?v&v=1')).toBe(true);
  });

  it('fails when the parameter is absent', () => {
    for (const path of ['/', '/?', '/v=1', '/?vv=1', '/?a=v', '/?V=1']) expect(present('v', path), path).toBe(false);
  });

  it('compares what stands in the path, without decoding it', () => {
    expect(equals('v', 'a b', '/?v=a%20b')).toBe(false);
    expect(equals('v', 'a%20b', '/?v=a%20b')).toBe(true);
    expect(equals('v', 'a+b', '/?v=a+b')).toBe(true);
  });

  it('stops at a fragment', () => {
    expect(equals('v', '1', '/?v=1#top')).toBe(true);
    expect(present('v', '/#?v=1')).toBe(false);
    expect(present('v', '/?a=1#&v=1')).toBe(false);
  });

  it('agrees with a parser that builds a map, for any query', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '=', '&', '?', '#'), maxLength: 10 });
    const name = fc.string({ unit: fc.constantFrom('a', 'b', '=', '&'), maxLength: 3 });
    fc.assert(
      fc.property(name, text, (wanted, rest) => {
        const path = `/?${rest}`;
        expect(present(wanted, path)).toBe(firstValues(path).has(wanted));
        expect(equals(wanted, 'b', path)).toBe(firstValues(path).get(wanted) === 'b');
      }),
      { numRuns: 2000 },
    );
  });
});

/** As Envoy's `parseQueryString`: an empty stretch at the very end is no parameter. */
function firstValues(path: string): Map<string, string> {
  const query = path.split('#')[0]!.slice(2);
  const parameters = query.split('&');
  if (parameters.at(-1) === '') parameters.pop();
  const values = new Map<string, string>();
  for (const parameter of parameters) {
    const [name, ...value] = parameter.split('=');
    if (!values.has(name!)) values.set(name!, value.join('='));
  }
  return values;
}
