import type { DecodeResult } from '@inmesh/xds';
import type { Place } from '../place.js';

/**
 * Says what a decoder has found, at the place in the file where it is written.
 * @param below what the decoder's paths begin with that the file has nothing of
 */
export function sayProblems(result: DecodeResult<unknown>, at: Place, below = ''): void {
  const problems = result.ok ? result.warnings : result.errors;
  for (const { path, message } of problems) {
    const steps = path.startsWith(below) ? path.slice(below.length) : path;
    const place = at.at(...stepsOf(steps));
    if (result.ok) place.warn(message);
    else place.error(message);
  }
}

/** `virtual_hosts[0].domains[1]` as steps. */
function stepsOf(path: string): (string | number)[] {
  return (path.match(/[^.[\]]+/g) ?? []).map((step) => (/^\d+$/.test(step) ? Number(step) : step));
}
