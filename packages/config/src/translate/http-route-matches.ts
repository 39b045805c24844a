import { create } from '@bufbuild/protobuf';
import { compileRegex } from '@inmesh/xds';
import { type RouteMatch, RouteMatchSchema } from '@inmesh/xds/messages';
import type { Place } from '../place.js';
import type { HttpRouteMatch, NameMatch } from '../schema/http-route.js';
import { headerMatcher, type PathTest, pathSpecifier, queryMatcher, type TextTest } from './matchers.js';

/** The higher number wins, from the first on: kind of path, its length, method, headers, query parameters. */
export type MatchRank = readonly [kind: number, length: number, method: number, headers: number, query: number];

export interface ReadMatch {
  readonly rank: MatchRank;
  /** Any of them has to hold. */
  readonly matches: readonly RouteMatch[];
}

const ranks: Readonly<Record<PathTest['kind'], number>> = { exact: 3, prefix: 2, regex: 1 };

export function readMatch({ path, headers = [], queryParams = [], method }: HttpRouteMatch, place: Place): ReadMatch {
  const { type = 'PathPrefix', value = '/' } = path ?? {};
  checkPath(type, value, place.at('path', 'value'));
  const byHeader = eachOnce(headers, (name) => name.toLowerCase());
  const byQuery = eachOnce(queryParams, (name) => name);
  const headerMatchers = [...byHeader].map(([name, [match, index]]) =>
    headerMatcher(name, testOf(match, place.at('headers', index))),
  );
  const others = {
    headers: [
      ...headerMatchers,
      ...(method === undefined ? [] : [headerMatcher(':method', { kind: 'exact', value: method })]),
    ],
    queryParameters: [...byQuery].map(([name, [match, index]]) =>
      queryMatcher(name, testOf(match, place.at('queryParams', index))),
    ),
  };
  const { tests, rank, length } = pathsOf(type, value);
  return {
    rank: [rank, length, method === undefined ? 0 : 1, byHeader.size, byQuery.size],
    matches: tests.map((test) => create(RouteMatchSchema, { pathSpecifier: pathSpecifier(test), ...others })),
  };
}

/**
 * `PathPrefix: /abc` matches `/abc` and what is below it, not `/abcd`. Envoy's word for that, `path_separated_prefix`, makes
 * gRPC for Node refuse the whole route configuration, so it is said with two routes.
 */
function pathsOf(type: string, value: string): { tests: readonly PathTest[]; rank: number; length: number } {
  if (type === 'Exact') return { tests: [{ kind: 'exact', value }], rank: ranks.exact, length: value.length };
  if (type === 'RegularExpression')
    return { tests: [{ kind: 'regex', value }], rank: ranks.regex, length: value.length };
  const path = value.replace(/\/+$/, '');
  const below: PathTest = { kind: 'prefix', value: `${path}/` };
  const tests: readonly PathTest[] = path === '' ? [below] : [{ kind: 'exact', value: path }, below];
  return { tests, rank: ranks.prefix, length: path.length };
}

function checkPath(type: string, value: string, place: Place): void {
  if (type === 'RegularExpression') checkRegex(value, place);
  else if (!value.startsWith('/')) place.error(`"${value}" must begin with "/"`);
}

/** Of equal names only the first is considered (Gateway API `HTTPHeaderMatch`). */
function eachOnce(
  matches: readonly NameMatch[],
  key: (name: string) => string,
): ReadonlyMap<string, readonly [NameMatch, number]> {
  const found = new Map<string, readonly [NameMatch, number]>();
  for (const [index, match] of matches.entries()) {
    if (!found.has(key(match.name))) found.set(key(match.name), [match, index]);
  }
  return found;
}

function testOf({ type, value }: NameMatch, place: Place): TextTest {
  if (type !== 'RegularExpression') return { kind: 'exact', value };
  checkRegex(value, place.at('value'));
  return { kind: 'regex', value };
}

function checkRegex(value: string, place: Place): void {
  const compiled = compileRegex(value);
  if (!compiled.ok) place.error(`"${value}" ${compiled.message}`);
}
