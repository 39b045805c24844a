import { pathTemplateProblem } from '@inmesh/xds';
import { wildcardProblem } from './security-checks.js';

/** Whether a path of an AuthorizationPolicy is a template, such as `/users/{*}/files/{**}`. */
export function isPathTemplate(path: string): boolean {
  return path.includes('{*}') || path.includes('{**}');
}

/** Envoy writes its wildcards without braces. */
export function envoyTemplate(path: string): string {
  return path.replaceAll('{**}', '**').replaceAll('{*}', '*');
}

/** What else a segment may have (RFC 3986 `pchar`, without `*` and `=` as in Envoy). */
const literal = /^[a-zA-Z0-9\-._~%!$&'()+,;:@]*$/;

/**
 * A template takes `{*}` for one segment and `{**}` for any number of them, no other wildcard, and none behind `{**}`
 * (Istio `CheckValidPathTemplate`).
 */
export function pathProblem(path: string): string | undefined {
  if (!isPathTemplate(path)) return wildcardProblem(path);
  if (!path.startsWith('/')) return `the template "${path}" does not begin with "/"`;
  const segments = path.slice(1).split('/');
  const wrong = segments.find((segment) => !isOperator(segment) && /[{}*]/.test(segment));
  if (wrong !== undefined) return `"${wrong}" is no segment of a template: only {*} and {**} may stand for one`;
  const bad = segments.find((segment) => !isOperator(segment) && !literal.test(segment));
  if (bad !== undefined) return `"${bad}" has a character that a segment of a template cannot have`;
  const rest = segments.indexOf('{**}');
  const isOpen = rest >= 0 && segments.slice(rest + 1).some(isOperator);
  if (isOpen) return `in the template "${path}" {**} has to be the last wildcard`;
  return pathTemplateProblem(envoyTemplate(path));
}

function isOperator(segment: string): boolean {
  return segment === '{*}' || segment === '{**}';
}
