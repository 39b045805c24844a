import type { PathMatcher, PathRewrite } from '../model/route.js';
import { withoutQuery } from './path-matcher.js';

/**
 * The path that an upstream sees; query and fragment stay as they are. A prefix is replaced as text, so that `/foo` -> `/`
 * makes `//x` of `/foo/x` (Envoy path_rewrite_utility.cc). What comes out empty changes nothing.
 */
export function rewritePath(rewrite: PathRewrite, match: PathMatcher, path: string): string {
  const pathOnly = withoutQuery(path);
  if (rewrite.kind === 'regex') return rewritten(rewrite.rewrite.rewrite(pathOnly), path, pathOnly.length);
  return rewritten(rewrite.value, path, matchedLength(match, pathOnly));
}

/** Envoy sends a path without its slash on to the upstream; here no connection would take it. */
function rewritten(start: string, path: string, replaced: number): string {
  if (start === '') return path;
  const result = start + path.slice(replaced);
  return result.startsWith('/') ? result : `/${result}`;
}

/** A regex matches the whole path, so the whole of it is replaced. */
function matchedLength(match: PathMatcher, pathOnly: string): number {
  return match.kind === 'regex' ? pathOnly.length : Math.min(match.value.length, pathOnly.length);
}
