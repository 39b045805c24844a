import type { QueryMatcher } from '../model/route.js';
import { type CallTest, never } from './call-matcher.js';
import { compileStringMatcher } from './string-matcher.js';

/** Compiles a condition on the first value of a query parameter (Envoy `QueryParameterMatcher`). */
export function compileQueryMatcher({ name, matcher }: QueryMatcher): CallTest {
  // No parameter can have such a name, but a scan for it would cross from one parameter into the next.
  if (/[=&#]/.test(name)) return never;
  if (matcher === undefined) return (call) => firstQueryValue(call.path, name) !== undefined;
  const matches = compileStringMatcher(matcher);
  return (call) => {
    const value = firstQueryValue(call.path, name);
    return value !== undefined && matches(value);
  };
}

/**
 * Undefined when absent, empty for a name without `=`. Names and values are compared as they stand in the path, not
 * percent-decoded: Envoy's router reads them with `parseQueryString`, which does not decode (config_impl.cc).
 */
export function firstQueryValue(path: string, name: string): string | undefined {
  const hash = path.indexOf('#');
  const end = hash < 0 ? path.length : hash;
  const question = path.indexOf('?');
  if (question < 0) return undefined;
  for (let start = question + 1; start < end; ) {
    const ampersand = path.indexOf('&', start);
    const stop = ampersand < 0 || ampersand > end ? end : ampersand;
    if (path.startsWith(name, start)) {
      const after = start + name.length;
      if (after === stop) return '';
      if (path[after] === '=') return path.slice(after + 1, stop);
    }
    start = stop + 1;
  }
  return undefined;
}
