import { describe, expect, it } from 'vitest';
import { formatIssue, IssueList } from '../issues.js';
import type { ConfigObject } from '../objects.js';
import { Place } from '../place.js';
import { gatewayDuration, goDuration, headerNameProblem } from './checks.js';
import {
  type AnyField,
  flag,
  ignored,
  integer,
  list,
  map,
  object,
  oneOf,
  refused,
  required,
  text,
  words,
} from './field.js';
import { read } from './read.js';

function readAs(field: AnyField, value: unknown) {
  const issues = new IssueList();
  const source = { file: 'a.yaml', locate: () => ({ line: 1, column: 1 }) };
  const written: ConfigObject = { apiVersion: 'v1', kind: 'X', name: 'x', namespace: '', body: {}, source };
  const result = read(value, field, Place.of(written, issues));
  const said = issues.sorted().map((issue) => formatIssue(issue).replace('a.yaml:1:1: ', '').replace('X x: ', ''));
  return { result, said };
}

describe('Reading by a schema', () => {
  it('gives what is written, and takes null for absent', () => {
    const field = object({ a: text(), b: integer(), c: list(flag), d: map(text()), e: text() });
    expect(readAs(field, { a: 'x', b: 0, c: [true], d: { k: 'v' }, e: null })).toEqual({
      result: { a: 'x', b: 0, c: [true], d: { k: 'v' } },
      said: [],
    });
  });

  it('says that a field is unknown, what it may have been meant to be, and reads the rest', () => {
    expect(readAs(object({ attempts: integer() }), { attemps: 3, attempts: 2 })).toEqual({
      result: { attempts: 2 },
      said: ['error: attemps: is not a field of this API (did you mean "attempts"?)'],
    });
  });

  it('does not take what every object of JavaScript has for a field', () => {
    expect(readAs(object({ a: text() }), { toString: 'x' }).said).toEqual([
      'error: toString: is not a field of this API (known here: a)',
    ]);
  });

  it.each([
    [text(), 5, 'error: should be a text, is the number 5 (put it in quotes: "5")'],
    [goDuration, 2, 'error: should be a text, is the number 2 (did you mean 2s?)'],
    [goDuration, -2, 'error: should be a text, is the number -2'],
    [gatewayDuration, 1.5, 'error: should be a text, is the number 1.5'],
    [oneOf('A'), 1, 'error: should be a text, is the number 1'],
    [text(), [], 'error: should be a text, is a list'],
    [integer(), '5', 'error: should be a whole number, is the text "5"'],
    [integer(), 1.5, 'error: 1.5 is not a whole number'],
    [integer(), -1, 'error: must not be negative, is -1'],
    [integer(1, 9), 10, 'error: 10 is not between 1 and 9'],
    [flag, 'yes', 'error: should be true or false, is the text "yes"'],
    [list(text()), {}, 'error: should be a list, is a mapping'],
    [list(text(), 1), [], 'error: must not be empty'],
    [list(text()), ['a', null], 'error: [1]: should be a text, is empty'],
    [map(text(), headerNameProblem), { '': 'x' }, 'error: [""]: a header must have a name'],
    [map(text()), 'x', 'error: should be a mapping, is the text "x"'],
    [oneOf('FORWARD', 'IGNORE'), 'FORWARDS', 'error: "FORWARDS" is none of FORWARD, IGNORE (did you mean "FORWARD"?)'],
    [object({ a: required(text()) }), { a: null }, 'error: a: is missing'],
  ])('gives nothing when a value is wrong: %#', (field, value, said) => {
    expect(readAs(field, value)).toEqual({ result: undefined, said: [said] });
  });

  it('finds every mistake, not the first alone', () => {
    expect(readAs(list(integer()), ['a', 1, 'b']).said).toHaveLength(2);
  });

  it('warns of a field that is ignored, and finds the mistakes in it', () => {
    const field = object({ fault: ignored('nothing is injected', object({ percent: integer(0, 100) })) });
    expect(readAs(field, { fault: { percent: 101 } })).toEqual({
      result: { fault: undefined },
      said: [
        'error: fault.percent: 101 is not between 0 and 100',
        'warning: fault: is not supported yet and ignored: nothing is injected',
      ],
    });
  });

  it('refuses a field that would change the meaning, unless it asks for nothing', () => {
    const field = object({ rewrite: refused('the path stays') });
    expect(readAs(field, { rewrite: { uri: '/' } }).said).toEqual([
      'error: rewrite: is not supported yet: the path stays',
    ]);
    expect(readAs(field, { rewrite: {} }).said).toEqual([]);
  });

  it('tells the words that are acted on from those that are not', () => {
    const field = words({ A: undefined, B: ignored('as A'), C: refused('not as A') });
    expect(readAs(field, 'A')).toEqual({ result: 'A', said: [] });
    expect(readAs(field, 'B').said).toEqual(['warning: "B" is not supported yet and ignored: as A']);
    expect(readAs(field, 'C').said).toEqual(['error: "C" is not supported yet: not as A']);
  });

  it('takes one of fields that exclude each other', () => {
    const field = object({ exact: text(), prefix: text() }, ['exact', 'prefix']);
    expect(readAs(field, { exact: 'a', prefix: 'b' }).said).toEqual(['error: only one of exact, prefix may be given']);
  });
});
