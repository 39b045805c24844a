import { wildcardProblem } from './security-checks.js';

/** Whether a path of an AuthorizationPolicy is a template, such as `/users/{*}/files/{**}`. */
export function isPathTemplate(path: string): boolean {
  return path.includes('{*}') || path.includes('{**}');
}

/** A template takes `{*}` for one segment and `{**}` for the rest, and no other wildcard (Istio `CheckValidPathTemplate`). */
export function pathProblem(path: string): string | undefined {
  if (!isPathTemplate(path)) return wildcardProblem(path);
  if (!path.startsWith('/')) return `the template "${path}" does not begin with "/"`;
  const segments = path.slice(1).split('/');
  const wrong = segments.find((segment) => segment !== '{*}' && segment !== '{**}' && /[{}*]/.test(segment));
  if (wrong !== undefined) return `"${wrong}" is no segment of a template: only {*} and {**} may stand for one`;
  const rest = segments.indexOf('{**}');
  return rest >= 0 && rest < segments.length - 1 ? `in the template "${path}" {**} has to be last` : undefined;
}
