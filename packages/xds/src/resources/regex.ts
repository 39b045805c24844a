import type { CompiledRegex } from '@inmesh/core';
import { RE2JS } from 're2js';
import type { RegexMatcher } from '../messages.js';
import type { FieldScope } from './field-scope.js';

/** A longer pattern is refused: 100,000 characters were seen to compile in 161 ms. */
const maxPatternLength = 4096;

/** About 20 ms to compile at most. Envoy caps the same thing (`re2.max_program_size.error_level`; Istio sets 32768). */
const maxProgramSize = 10_000;

/** `message` says what is wrong with the expression, to be put behind its name. */
export type RegexResult =
  | { readonly ok: true; readonly regex: CompiledRegex }
  | { readonly ok: false; readonly message: string };

/**
 * Compiles with RE2's syntax and linear time; matches whole texts (Envoy `RegexMatcher`: «the entire string»). Empty
 * expressions, those of more than 4096 characters and those that would become too large are refused.
 */
export function compileRegex(source: string): RegexResult {
  const compiled = compileProgram(source);
  if (typeof compiled === 'string') return { ok: false, message: compiled };
  return { ok: true, regex: { source, matches: (text) => compiled.matches(text) } };
}

/** The same expression for texts in any case, compiled when it is asked for: most never are. */
export function anyCase(source: string): (text: string) => boolean {
  let program: RE2JS | undefined;
  return (text) => {
    program ??= RE2JS.compile(`(?i)${source}`);
    return program.matches(text);
  };
}

export function decodeRegex(matcher: RegexMatcher, at: FieldScope): CompiledRegex | undefined {
  const result = compileRegex(matcher.regex);
  return result.ok ? result.regex : at.field('regex').error(result.message);
}

/** What is wrong with the expression, when it cannot be compiled. */
export function compileProgram(source: string): RE2JS | string {
  if (source === '') return 'must not be empty';
  if (source.length > maxPatternLength) {
    return `is ${source.length} characters long; at most ${maxPatternLength} are taken`;
  }
  if (estimateProgramSize(source) > maxProgramSize) return 'is too large once its repetitions are counted';
  try {
    return RE2JS.compile(source);
  } catch (cause) {
    return `is not a valid RE2 expression: ${cause instanceof Error ? cause.message : String(cause)}`;
  }
}

/**
 * The number of instructions to expect, without compiling: `a{1000}` written 500 times fits into the longest pattern and
 * takes a second to compile. Counted repetitions multiply what stands before them; everything else counts as one.
 */
function estimateProgramSize(pattern: string): number {
  const groups = [0];
  let last = 0;
  const add = (size: number) => {
    last = size;
    groups[groups.length - 1]! += size;
  };
  for (const token of pattern.matchAll(tokens)) {
    const repeat = token.groups?.count;
    if (repeat !== undefined) groups[groups.length - 1]! += last * Math.max(0, largestOf(repeat) - 1);
    else if (token[0] === '(') groups.push(0);
    else if (token[0] === ')' && groups.length > 1) add(groups.pop()! + 2);
    else add(1);
  }
  return groups.reduce((sum, size) => sum + size, 0);
}

const tokens = /\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{(?<count>\d+(?:,\d*)?)\}|./gs;

function largestOf(count: string): number {
  return Math.max(...count.split(',').map(Number));
}
