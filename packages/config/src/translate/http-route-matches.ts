import { create } from '@bufbuild/protobuf';
import { RouteMatchSchema } from '@inmesh/xds/messages';
import type { Place } from '../place.js';
import type { HttpRouteMatch } from '../schema/http-route.js';
import { headerMatcher, type PathTest, pathSpecifier, queryMatcher } from './matchers.js';
import { checkRegex, headerTests, nameTests } from './name-tests.js';
import type { ReadMatch } from './ranked-routes.js';

const ranks: Readonly<Record<PathTest['kind'], number>> = { exact: 3, prefix: 2, regex: 1 };

/**
 * Exact paths, then the longest prefix, then a method, then most headers, then most query parameters (HTTPRoute `matches`);
 * expressions last, as in Istio.
 */
export function readMatch({ path, headers = [], queryParams = [], method }: HttpRouteMatch, place: Place): ReadMatch {
  const { type = 'PathPrefix', value = '/' } = path ?? {};
  checkPath(type, value, place.at('path', 'value'));
  const byHeader = headerTests(headers, place.at('headers'));
  const byQuery = nameTests(queryParams, place.at('queryParams'));
  const others = {
    headers: [
      ...byHeader.map(({ name, test }) => headerMatcher(name, test)),
      ...(method === undefined ? [] : [headerMatcher(':method', { kind: 'exact', value: method })]),
    ],
    queryParameters: byQuery.map(({ name, test }) => queryMatcher(name, test)),
  };
  const { tests, rank, length } = pathsOf(type, value);
  return {
    rank: [rank, length, method === undefined ? 0 : 1, byHeader.length, byQuery.length],
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
