import { isRecord } from '@inmesh/config';
import type { Destination } from '../routes/destination.js';
import { type Fields, fieldsOf, textOf } from '../routes/routed-object.js';

/** What a subset's pods are chosen by, from the DestinationRules that there are. */
export function labelsOfSubset(
  rules: readonly Fields[],
  { host, subset }: Destination,
): Readonly<Record<string, string>> | undefined {
  for (const rule of rules) {
    const spec = fieldsOf(rule.spec);
    const name = textOf(spec.host) ?? '';
    if (host !== name && !host.startsWith(`${name}.`)) continue;
    const subsets = Array.isArray(spec.subsets) ? spec.subsets.filter(isRecord) : [];
    const found = subsets.find((one) => one.name === subset);
    if (found !== undefined) return fieldsOf(found.labels) as Record<string, string>;
  }
  return undefined;
}
