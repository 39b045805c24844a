import type { ConfigObject } from '../objects.js';
import { recordIn } from './old-values.js';

/** What a Service selects by; where it is not among the objects, a guess, and `notes` says so. */
export function labelsOfService(
  name: string,
  namespace: string,
  all: readonly ConfigObject[],
  notes: string[],
): Readonly<Record<string, string>> {
  const service = all.find((one) => one.kind === 'Service' && one.name === name && one.namespace === namespace);
  const selector = Object.entries(recordIn(recordIn(service?.body.spec).selector));
  if (selector.length > 0) return Object.fromEntries(selector.map(([key, value]) => [key, String(value)]));
  notes.push(
    `what Service "${name}" selects by is not known here, and { app: ${name} } is a guess: name its file, too`,
  );
  return { app: name };
}
