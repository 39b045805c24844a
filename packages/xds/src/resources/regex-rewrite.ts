import type { CompiledRewrite } from '@inmesh/core';
import type { RE2JS } from 're2js';
import type { RegexMatchAndSubstitute } from '../messages.js';
import type { FieldScope } from './field-scope.js';
import { compileProgram } from './regex.js';

/** A piece of a substitution: text as it is, or the number of a capturing group, 0 for the whole match. */
type Piece = string | number;

/** Envoy `RegexMatchAndSubstitute`: every match is replaced, with `\0` to `\9` for what was captured and `\\` for `\`. */
export function decodeRegexRewrite(message: RegexMatchAndSubstitute, at: FieldScope): CompiledRewrite | undefined {
  const scope = at.field('pattern');
  if (message.pattern === undefined) return scope.error('is missing');
  const { regex: source } = message.pattern;
  const compiled = compileProgram(source);
  if (typeof compiled === 'string') return scope.field('regex').error(compiled);
  const { substitution } = message;
  const pieces = parseSubstitution(substitution, compiled.groupCount(), at.field('substitution'));
  return pieces && { source, substitution, rewrite: (text) => replaceAll(compiled, text, pieces) };
}

function parseSubstitution(written: string, groups: number, at: FieldScope): Piece[] | undefined {
  const pieces: Piece[] = [];
  for (const [token] of written.matchAll(/\\.?|[^\\]+/gs)) {
    const escaped = token.startsWith('\\') ? token.slice(1) : undefined;
    if (escaped === undefined) pieces.push(token);
    else if (escaped === '\\') pieces.push('\\');
    else if (!/^\d$/.test(escaped)) return at.error(`"${token}" is neither a group, \\0 to \\9, nor an escaped \\`);
    else if (Number(escaped) > groups) return at.error(`"${token}" names a group, but the pattern has only ${groups}`);
    else pieces.push(Number(escaped));
  }
  return pieces;
}

/** An empty match right behind the match before it does not count (RE2 `GlobalReplace`). */
function replaceAll(compiled: RE2JS, text: string, pieces: readonly Piece[]): string {
  const matcher = compiled.matcher(text);
  let result = '';
  let end = -1;
  while (matcher.find()) {
    if (matcher.end() === end && matcher.start() === end) continue;
    result += text.slice(Math.max(0, end), matcher.start());
    for (const piece of pieces) result += typeof piece === 'string' ? piece : (matcher.group(piece) ?? '');
    end = matcher.end();
  }
  return end === -1 ? text : result + text.slice(end);
}
