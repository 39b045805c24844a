import { substitutionProblem } from '@inmesh/xds';
import type { Place } from '../place.js';
import type { Rewrite } from '../schema/virtual-service.js';

/** What a route forwards instead of the path and the host that it was asked for. */
export interface RewriteSettings {
  /** Replaces what the route matched: a prefix or the whole path. */
  readonly prefix?: string | undefined;
  readonly regex?: { readonly pattern: string; readonly substitution: string } | undefined;
  readonly host?: string | undefined;
}

/** A VirtualService's. A prefix is replaced as it is, so that `/` for `/a` makes `//b` of `/a/b` (Istio). */
export function readRewrite(rewrite: Rewrite, place: Place): RewriteSettings {
  const { uri = '', authority = '', uriRegexRewrite } = rewrite;
  if (uri === '' && authority === '' && uriRegexRewrite === undefined) {
    place.error('must have at least one of uri, authority, uriRegexRewrite');
  }
  return {
    prefix: uri === '' ? undefined : uri,
    regex: uriRegexRewrite && readRegex(uriRegexRewrite, place.at('uriRegexRewrite', 'rewrite')),
    host: authority === '' ? undefined : authority,
  };
}

/** As a route action has it. */
export function rewriteFields({ prefix, regex, host }: RewriteSettings) {
  return {
    ...(prefix !== undefined && { prefixRewrite: prefix }),
    ...(regex !== undefined && {
      regexRewrite: { pattern: { regex: regex.pattern }, substitution: regex.substitution },
    }),
    ...(host !== undefined && { hostRewriteSpecifier: { case: 'hostRewriteLiteral' as const, value: host } }),
  };
}

function readRegex({ match, rewrite }: NonNullable<Rewrite['uriRegexRewrite']>, place: Place) {
  const problem = substitutionProblem(match, rewrite);
  if (problem !== undefined) place.error(problem);
  return { pattern: match, substitution: rewrite };
}
