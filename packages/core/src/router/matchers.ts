import type { RouteMatch } from '../model/route.js';
import { allOf, always, type CallMatcher, never } from './call-matcher.js';
import { compileHeaderMatcher } from './header-matcher.js';
import { compilePathMatcher } from './path-matcher.js';
import { compileQueryMatcher } from './query-matcher.js';

const million = 1_000_000;

/** Compiles all conditions of a route into one. The share of calls comes last: only a call that fits draws a number. */
export function compileRouteMatch(match: RouteMatch): CallMatcher {
  return allOf([
    compilePathMatcher(match.path),
    ...match.headers.map(compileHeaderMatcher),
    ...match.query.map(compileQueryMatcher),
    compileFraction(match.fractionPerMillion),
  ]);
}

function compileFraction(perMillion: number | undefined): CallMatcher {
  if (perMillion === undefined || perMillion >= million) return always;
  if (perMillion <= 0) return never;
  return (_call, random) => random() * million < perMillion;
}
