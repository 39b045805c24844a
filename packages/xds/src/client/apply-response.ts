import type { ResourceError } from '../resources/decode-result.js';
import type { DecodedResources } from '../resources/resource-types.js';
import { type ResourceKind, typeUrls } from '../resources/type-urls.js';
import type { KindStore, ReadResource } from './resource-store.js';

/**
 * Takes the good resources of a response over into the store (gRFC A46) and returns what is wrong with the others, whose
 * last good version stays. Listeners and clusters that the response does not have are deleted: it is their full state.
 * @param isWanted for routes and endpoints: whether the name is subscribed to
 */
export function applyResponse<Kind extends ResourceKind>(
  kind: Kind,
  version: string,
  read: readonly ReadResource<DecodedResources[Kind]>[],
  store: KindStore<DecodedResources[Kind]>,
  isWanted: (name: string) => boolean,
): ResourceError[] {
  const isFullState = kind === 'listener' || kind === 'cluster';
  for (const resource of read) if (isFullState || isWanted(resource.name)) store.put(resource);
  if (isFullState) deleteAbsent(read, store);
  const errors: ResourceError[] = [];
  for (const { name, outcome } of read) {
    if (!outcome.ok) errors.push({ typeUrl: typeUrls[kind], name, errors: outcome.errors });
  }
  store.isReceived = true;
  if (errors.length === 0) store.acceptedVersion = version;
  return errors;
}

function deleteAbsent<Value>(read: readonly ReadResource<Value>[], store: KindStore<Value>): void {
  const names = new Set(read.map(({ name }) => name));
  // One that is too broken to tell its name may be any of those that seem to be absent.
  if (names.has('')) return;
  store.forget((name, entry) => entry.kind !== 'missing' && !names.has(name));
}
