import { create } from '@bufbuild/protobuf';
import { type HeaderMatcher, HeaderMatcherSchema, type RegexMatcher, type RouteMatch } from '@inmesh/xds/messages';
import { testValue } from './test-value.js';

type Path = RouteMatch['pathSpecifier'];

/**
 * One match as the matches that say it to gRPC: several where it has no word for it, none where no call of gRPC meets it. The
 * same object where nothing is to be said in another way.
 */
export function asGrpcMatches(match: RouteMatch): readonly RouteMatch[] {
  // A call of gRPC has no query.
  if (match.queryParameters.length > 0) return [];
  const paths = pathsOf(match.pathSpecifier);
  const headers = headersOf(match.headers);
  return paths.flatMap((pathSpecifier) =>
    headers.map((list) =>
      pathSpecifier === match.pathSpecifier && list === match.headers
        ? match
        : { ...match, pathSpecifier, headers: list },
    ),
  );
}

function pathsOf(path: Path): readonly Path[] {
  switch (path.case) {
    case 'pathSeparatedPrefix':
      return [
        { case: 'path', value: path.value },
        { case: 'prefix', value: `${path.value}/` },
      ];
    case 'safeRegex': {
      const value = grouped(path.value);
      return [value === path.value ? path : { case: 'safeRegex', value }];
    }
    case 'prefix':
    case 'path':
      return [path];
    default:
      // What connects a tunnel, or what an extension matches.
      return [];
  }
}

/** Lists of matchers, of which one has to hold. */
function headersOf(headers: HeaderMatcher[]): readonly HeaderMatcher[][] {
  let lists: HeaderMatcher[][] = [[]];
  for (const header of headers) {
    const ways = waysOf(header);
    lists = lists.flatMap((list) => ways.map((way) => [...list, ...way]));
  }
  const [only] = lists;
  const isSame = lists.length === 1 && only?.length === headers.length && only.every((one, at) => one === headers[at]);
  return isSame ? [headers] : lists;
}

/** Lists of matchers, of which one has to hold, for one matcher. */
function waysOf(header: HeaderMatcher): readonly (readonly HeaderMatcher[])[] {
  const fixed = fixedHeaders[header.name];
  if (fixed !== undefined) return waysOfFixed(header, fixed);
  const { invertMatch, treatMissingHeaderAsEmpty, headerMatchSpecifier: test } = header;
  const matcher = withGroupedRegex(header);
  if (!invertMatch || test.case === 'presentMatch') return [[matcher]];
  // A header that is not there meets no matcher in Envoy. In gRPC it depends on the language.
  const isThere = presence(header.name, false);
  const emptyMeetsIt = treatMissingHeaderAsEmpty && testValue(header, '') === false;
  return emptyMeetsIt ? [[presence(header.name, true)], [isThere, matcher]] : [[isThere, matcher]];
}

/** What all calls have, which matchers of gRPC for Node do not see. Between services there is no TLS yet. */
const fixedHeaders: Readonly<Record<string, string>> = {
  ':method': 'POST',
  ':scheme': 'http',
  'content-type': 'application/grpc',
};

function waysOfFixed(header: HeaderMatcher, value: string): readonly (readonly HeaderMatcher[])[] {
  const isMet = testValue(header, value);
  if (isMet === undefined) return [[header]];
  return isMet === header.invertMatch ? [] : [[]];
}

function presence(name: string, invertMatch: boolean): HeaderMatcher {
  const headerMatchSpecifier = { case: 'presentMatch', value: true } as const;
  return create(HeaderMatcherSchema, { name, headerMatchSpecifier, invertMatch });
}

function withGroupedRegex(header: HeaderMatcher): HeaderMatcher {
  const { headerMatchSpecifier: test } = header;
  if (test.case !== 'stringMatch' || test.value.matchPattern.case !== 'safeRegex') return header;
  const value = grouped(test.value.matchPattern.value);
  if (value === test.value.matchPattern.value) return header;
  return {
    ...header,
    headerMatchSpecifier: { case: 'stringMatch', value: { ...test.value, matchPattern: { case: 'safeRegex', value } } },
  };
}

/** gRPC for Node puts anchors around it, which bind to the first and the last of several alternatives. */
function grouped(matcher: RegexMatcher): RegexMatcher {
  return matcher.regex.includes('|') ? { ...matcher, regex: `(?:${matcher.regex})` } : matcher;
}
