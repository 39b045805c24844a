import { compileRegex } from '@inmesh/xds';
import type { Place } from '../place.js';
import type { NameMatch } from '../schema/route-parts.js';
import type { TextTest } from './matchers.js';

export interface NameTest {
  readonly name: string;
  readonly test: TextTest;
}

/** Names of headers are the same in upper and lower case. */
export function headerTests(matches: readonly NameMatch[], place: Place): NameTest[] {
  return nameTests(matches, place, (name) => name.toLowerCase());
}

/** Of equal names only the first is considered (Gateway API `HTTPHeaderMatch`, `GRPCHeaderMatch`). */
export function nameTests(
  matches: readonly NameMatch[],
  place: Place,
  key: (name: string) => string = (name) => name,
): NameTest[] {
  const found = new Map<string, NameTest>();
  for (const [index, match] of matches.entries()) {
    const name = key(match.name);
    if (!found.has(name)) found.set(name, { name, test: testOf(match, place.at(index, 'value')) });
  }
  return [...found.values()];
}

function testOf({ type, value }: NameMatch, place: Place): TextTest {
  if (type !== 'RegularExpression') return { kind: 'exact', value };
  checkRegex(value, place);
  return { kind: 'regex', value };
}

export function checkRegex(value: string, place: Place): void {
  const compiled = compileRegex(value);
  if (!compiled.ok) place.error(`"${value}" ${compiled.message}`);
}
