import type { PathMatcher, QueryMatcher, RouteMatch as RouteMatchModel } from '@inmesh/core';
import type { QueryParameterMatcher, RouteMatch } from '../messages.js';
import { decodeHeaderMatcher } from './decode-header-matcher.js';
import { decodeStringMatcher } from './decode-string-matcher.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';
import { decodeRuntimeFraction } from './percents.js';
import { decodeRegex } from './regex.js';

export function decodeRouteMatch(message: RouteMatch, at: FieldScope): RouteMatchModel | undefined {
  reportUnsupported(message, at);
  const path = decodePath(message, at);
  const headers = at.each('headers', message.headers, decodeHeaderMatcher);
  const query = at.each('query_parameters', message.queryParameters, decodeQueryMatcher);
  const fractionPerMillion = decodeRuntimeFraction(message.runtimeFraction, undefined, at.field('runtime_fraction'));
  return path && { path, headers, query, fractionPerMillion };
}

function decodePath({ pathSpecifier, caseSensitive }: RouteMatch, at: FieldScope): PathMatcher | undefined {
  const ignoreCase = caseSensitive === false;
  switch (pathSpecifier.case) {
    case 'prefix':
      return { kind: 'prefix', value: pathSpecifier.value, ignoreCase };
    case 'path':
      return { kind: 'exact', value: pathSpecifier.value, ignoreCase };
    case 'pathSeparatedPrefix':
      checkSeparatedPrefix(pathSpecifier.value, at.field('path_separated_prefix'));
      return { kind: 'pathSeparatedPrefix', value: pathSpecifier.value, ignoreCase };
    case 'safeRegex': {
      const regex = decodeRegex(pathSpecifier.value, at.field('safe_regex'));
      return regex && { kind: 'regex', regex };
    }
    case 'connectMatcher':
    case 'pathMatchPolicy':
      return undefined;
    case undefined:
      return at.field('path_specifier').error('is missing: a path, a prefix or a regex is needed');
  }
}

/** Envoy's own pattern: `^[^?#]+[^?#/]$`. */
function checkSeparatedPrefix(value: string, at: FieldScope): void {
  if (!/^[^?#]+[^?#/]$/.test(value)) at.error(`"${value}" must not be empty, end in "/" or contain "?" or "#"`);
}

function decodeQueryMatcher(message: QueryParameterMatcher, at: FieldScope): QueryMatcher | undefined {
  const { name, queryParameterMatchSpecifier: specifier } = message;
  if (name === '') at.field('name').error('must not be empty');
  if (specifier.case === 'stringMatch') {
    const matcher = decodeStringMatcher(specifier.value, at.field('string_match'));
    return matcher && { name, matcher };
  }
  if (specifier.case === 'presentMatch' && !specifier.value) return at.field('present_match').error('must be true');
  return { name, matcher: undefined };
}
