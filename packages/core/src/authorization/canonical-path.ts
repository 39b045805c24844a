import type { PathNormalization } from '../model/inbound-listener.js';

export type CanonicalPath =
  | { readonly kind: 'canonical'; readonly path: string }
  /** Programs do not agree on what it names. `reason` follows «the path has». */
  | { readonly kind: 'ambiguous'; readonly reason: string };

const unreserved = /^[A-Za-z0-9\-._~]$/;
const utf8Bytes = /%[89A-F][0-9A-F]/;

/**
 * The one form of a request's path that policies are evaluated on and handlers see: dot segments removed, what needs no
 * percent-encoding decoded, the rest encoded in upper case (RFC 3986, 6.2.2; Istio's BASE). The query stays as it came.
 *
 * Where Envoy goes on with a form that another program may read otherwise, this does not: such a path is ambiguous.
 * @param target path and query in origin-form
 */
export function canonicalPath(target: string, normalization: PathNormalization): CanonicalPath {
  const queryAt = target.indexOf('?');
  const raw = queryAt < 0 ? target : target.slice(0, queryAt);
  const query = queryAt < 0 ? '' : target.slice(queryAt);
  const slashed = normalization === 'decodeAndMergeSlashes' ? raw.replace(/\\|%2f|%5c/gi, '/') : raw;
  const problem = problemOf(slashed) ?? (query.includes('#') ? 'a fragment' : undefined);
  if (problem !== undefined) return { kind: 'ambiguous', reason: problem };
  const decoded = decodeUnreserved(slashed);
  const merged = normalization === 'base' ? decoded : decoded.replace(/\/{2,}/g, '/');
  const late = lateProblemOf(merged);
  if (late !== undefined) return { kind: 'ambiguous', reason: late };
  return { kind: 'canonical', path: removeDotSegments(merged) + query };
}

function problemOf(path: string): string | undefined {
  if (!path.startsWith('/')) return 'no slash at its beginning';
  if (path.includes('#')) return 'a fragment';
  if (path.includes('\\')) return 'a backslash';
  if (/[^\x21-\x7e]/.test(path)) return 'a character that has to be percent-encoded';
  if (/%(?![0-9a-f]{2})/i.test(path)) return 'a percent sign that encodes nothing';
  if (/%[01][0-9a-f]|%7f/i.test(path)) return 'a control character';
  if (/%2f/i.test(path)) return 'an encoded slash';
  if (/%5c/i.test(path)) return 'an encoded backslash';
  return undefined;
}

/** What only shows once it is decoded. */
function lateProblemOf(path: string): string | undefined {
  if (path.includes('//')) return 'two slashes in a row';
  // Servlet containers cut it off, some routers end the path there, others take it as it is.
  if (/;|%3b/i.test(path)) return 'a semicolon';
  return utf8Bytes.test(path) && !isUtf8(path) ? 'bytes that are not UTF-8' : undefined;
}

function decodeUnreserved(path: string): string {
  return path.replace(/%[0-9a-f]{2}/gi, (text) => {
    const character = String.fromCharCode(Number.parseInt(text.slice(1), 16));
    return unreserved.test(character) ? character : text.toUpperCase();
  });
}

/** `decodeURIComponent` is strict: overlong forms, surrogates and cut off sequences throw. */
function isUtf8(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}

/** RFC 3986, 5.2.4. */
function removeDotSegments(path: string): string {
  if (!/\/\.{1,2}(\/|$)/.test(path)) return path;
  const kept: string[] = [];
  const segments = path.split('/').slice(1);
  for (const segment of segments) {
    if (segment === '..') kept.pop();
    else if (segment !== '.') kept.push(segment);
  }
  const endsInDots = /\/\.{1,2}$/.test(path);
  return `/${kept.join('/')}${endsInDots && kept.length > 0 ? '/' : ''}`;
}
