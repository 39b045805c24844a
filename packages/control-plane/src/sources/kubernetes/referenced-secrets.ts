import type { ResourceType } from '../../kubernetes/client/objects.js';
import type { ClusterObject } from './cluster-object.js';
import type { NamedObject } from './named-objects.js';
import { isRecord } from './records.js';

export const secrets: ResourceType = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true };

/**
 * The Secrets that DestinationRules name. A client has those of its own namespace, so a name is looked for in all of them.
 * @param namespaces that are looked at; none: all
 */
export function referencedSecrets(
  destinationRules: Iterable<ClusterObject>,
  namespaces: readonly string[],
): ReadonlyMap<string, NamedObject> {
  const names = [...destinationRules].flatMap((rule) => [...credentialNames(rule.spec)]).flatMap(both);
  return new Map(names.map((name) => [name, { name, namespaces }]));
}

/** Istio looks for the authorities under a name of their own, too. */
function both(name: string): string[] {
  return [name, `${name}-cacert`];
}

function* credentialNames(value: unknown): Generator<string> {
  if (Array.isArray(value)) for (const item of value) yield* credentialNames(item);
  if (!isRecord(value)) return;
  for (const [key, inner] of Object.entries(value)) {
    if (key === 'credentialName' && typeof inner === 'string' && inner !== '') yield inner;
    else yield* credentialNames(inner);
  }
}
