import { create } from '@bufbuild/protobuf';
import { type HeaderMatcher, type RouteMatch, RouteMatchSchema } from '@inmesh/xds/messages';
import type { HttpMatch, TextMatch } from '../schema/virtual-service.js';
import {
  headerMatcher,
  type PathTest,
  pathSpecifier,
  queryMatcher,
  type TextTest,
  withoutHeaderMatcher,
} from './matchers.js';

const everything: PathTest = { kind: 'prefix', value: '/' };

/** One entry of a VirtualService's `match`; all of its conditions have to hold (Istio `TranslateRouteMatch`). */
export function buildMatch(match: HttpMatch = {}): RouteMatch {
  const uri = match.uri && testOf(match.uri);
  const path = uri === undefined || uri.kind === 'present' ? everything : uri;
  return create(RouteMatchSchema, {
    pathSpecifier: pathSpecifier(path),
    // Envoy refuses it beside an expression, which has its own way to say it.
    ...(match.ignoreUriCase === true && path.kind !== 'regex' && { caseSensitive: false }),
    headers: [...headersOf(match), ...requestLineOf(match)],
    queryParameters: sortedEntries(match.queryParams).map(([name, text]) => queryMatcher(name, testOf(text))),
  });
}

/** Whether nothing can come past a match. */
export function matchesEverything({ pathSpecifier: path, headers, queryParameters }: RouteMatch): boolean {
  if (headers.length > 0 || queryParameters.length > 0) return false;
  return (path.case === 'prefix' && path.value === '/') || (path.case === 'safeRegex' && path.value.regex === '.*');
}

function headersOf({ headers, withoutHeaders }: HttpMatch): HeaderMatcher[] {
  return [
    ...sortedEntries(headers).map(([name, text]) => headerMatcher(name.toLowerCase(), testOf(text))),
    ...sortedEntries(withoutHeaders).map(([name, text]) => withoutHeaderMatcher(name.toLowerCase(), testOf(text))),
  ];
}

function requestLineOf({ method, authority, scheme }: HttpMatch): HeaderMatcher[] {
  const tests = { ':method': method, ':authority': authority, ':scheme': scheme };
  return Object.entries(tests).flatMap(([name, text]) =>
    text === undefined ? [] : [headerMatcher(name, testOf(text))],
  );
}

/** None of the three, or the expression `*`, means «is there» (Istio `canBeConvertedToPresentMatch`). */
function testOf({ exact, prefix, regex }: TextMatch): TextTest {
  if (exact !== undefined) return { kind: 'exact', value: exact };
  if (prefix !== undefined) return { kind: 'prefix', value: prefix };
  return regex === undefined || regex === '*' ? { kind: 'present' } : { kind: 'regex', value: regex };
}

function sortedEntries(texts: Readonly<Record<string, TextMatch>> = {}): [string, TextMatch][] {
  return Object.entries(texts).sort(([a], [b]) => (a < b ? -1 : 1));
}
