import type { PathMatcher } from '../model/route.js';
import { always, type CallTest, never } from './call-matcher.js';
import type { TextTest } from './string-matcher.js';

/**
 * Compiles a condition on the path without its query and fragment (Envoy `PathMatcher`). Literal kinds test the path as
 * it is, query included, and look at where the literal ends: nothing is cut off, so nothing is allocated.
 */
export function compilePathMatcher(matcher: PathMatcher): CallTest {
  if (matcher.kind === 'regex') return (call) => matcher.regex.matches(withoutQuery(call.path));
  // Such a literal would match into the query, which a path never reaches.
  if (/[?#]/.test(matcher.value)) return never;
  if (matcher.kind === 'prefix' && (matcher.value === '/' || matcher.value === '')) return always;
  if (!matcher.ignoreCase) {
    const test = literalTest(matcher.kind, matcher.value);
    return (call) => test(call.path);
  }
  const test = literalTest(matcher.kind, matcher.value.toLowerCase());
  return (call) => test(call.path.toLowerCase());
}

function literalTest(kind: 'exact' | 'prefix' | 'pathSeparatedPrefix', value: string): TextTest {
  const end = value.length;
  switch (kind) {
    case 'exact':
      return (path) => path.startsWith(value) && endsAt(path, end);
    case 'prefix':
      return (path) => path.startsWith(value);
    case 'pathSeparatedPrefix':
      return (path) => path.startsWith(value) && (path[end] === '/' || endsAt(path, end));
  }
}

function endsAt(path: string, index: number): boolean {
  return index === path.length || path[index] === '?' || path[index] === '#';
}

export function withoutQuery(path: string): string {
  const end = path.search(/[?#]/);
  return end < 0 ? path : path.slice(0, end);
}
