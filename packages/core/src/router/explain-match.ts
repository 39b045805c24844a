import type { Call } from '../call.js';
import type { HeaderMatcher, PathMatcher, RouteMatch, StringMatcher } from '../model/route.js';
import { compileHeaderMatcher } from './header-matcher.js';
import { compilePathMatcher } from './path-matcher.js';
import { compileQueryMatcher } from './query-matcher.js';

/** The conditions of a route that a call does not meet, in words; empty when it matches. */
export function explainMismatch(match: RouteMatch, call: Call): string[] {
  const reasons: string[] = [];
  if (!compilePathMatcher(match.path)(call)) reasons.push(`path is not ${describePath(match.path)}`);
  for (const header of match.headers) {
    if (!compileHeaderMatcher(header)(call))
      reasons.push(`header ${header.name} ${describeHeader(header)} does not hold`);
  }
  for (const query of match.query) {
    if (!compileQueryMatcher(query)(call)) {
      reasons.push(`query ${query.name} ${query.matcher ? describeString(query.matcher) : 'is present'} does not hold`);
    }
  }
  return reasons;
}

/** A route's conditions in words, e.g. `prefix "/" and header end-user exact "jason"`. */
export function describeMatch(match: RouteMatch): string {
  const parts = [describePath(match.path)];
  for (const header of match.headers) parts.push(`header ${header.name} ${describeHeader(header)}`);
  for (const query of match.query)
    parts.push(`query ${query.name} ${query.matcher ? describeString(query.matcher) : 'is present'}`);
  if (match.fractionPerMillion !== undefined) parts.push(`${match.fractionPerMillion / 10_000} % of calls`);
  return parts.join(' and ');
}

function describePath(path: PathMatcher): string {
  return path.kind === 'regex' ? `regex "${path.regex.source}"` : `${path.kind} "${path.value}"`;
}

/** What is asked of the header, without its name. */
export function describeHeader({ test, invert }: HeaderMatcher): string {
  const not = invert ? 'not ' : '';
  switch (test.kind) {
    case 'present':
      return test.present !== invert ? 'is present' : 'is absent';
    case 'string':
      return `${not}${describeString(test.matcher)}`;
    case 'range':
      return `${not}in [${test.start}, ${test.end})`;
  }
}

function describeString(matcher: StringMatcher): string {
  return matcher.kind === 'regex' ? `regex "${matcher.regex.source}"` : `${matcher.kind} "${matcher.value}"`;
}
