import type { ConfigObject } from '../objects.js';
import { withoutEmpty } from './old-values.js';

/** What an old object is written as today. */
export interface Modern {
  readonly documents: readonly Document[];
  /** What could not be carried over, or has to be looked at. */
  readonly notes: readonly string[];
}

export type Document = Readonly<Record<string, unknown>>;

type Kind = 'AuthorizationPolicy' | 'PeerAuthentication' | 'RequestAuthentication';

export function document(
  kind: Kind,
  { name, namespace, annotations }: { name: string; namespace: string; annotations?: Readonly<Record<string, string>> },
  spec: Document,
): Document {
  return {
    apiVersion: 'security.istio.io/v1',
    kind,
    metadata: withoutEmpty({ name, namespace, annotations }),
    spec,
  };
}

/** Nothing is written for an object of which a part would be lost: the rest may let in more. */
export function notConverted({ kind, name }: ConfigObject, problems: readonly string[]): Modern {
  return { documents: [], notes: problems.map((problem) => `${kind} ${name} is not converted: ${problem}`) };
}

export function joined(parts: readonly Modern[]): Modern {
  return { documents: parts.flatMap(({ documents }) => documents), notes: parts.flatMap(({ notes }) => notes) };
}
