import type { ResourceError } from '../resources/decode-result.js';
import type { DecodedResources } from '../resources/resource-types.js';
import { type ResourceKind, typeUrls } from '../resources/type-urls.js';
import type { ReceivedResponse } from './protocol.js';
import type { KindStore, ReadResource } from './resource-store.js';

/** The names of a kind that are subscribed to by name; everything is wanted of the other kinds. */
export type IsWanted = (name: string) => boolean;

/**
 * Takes the good resources of a response over into the store (gRFC A46) and returns what is wrong with the others, whose
 * last good version stays. What the server says is gone is deleted: by its name, or of listeners and clusters by not being
 * in their full state.
 */
export function applyResponse<Kind extends ResourceKind>(
  kind: Kind,
  { version, removed, isWhole }: Pick<ReceivedResponse, 'version' | 'removed' | 'isWhole'>,
  read: readonly ReadResource<DecodedResources[Kind]>[],
  store: KindStore<DecodedResources[Kind]>,
  isWanted: IsWanted,
): ResourceError[] {
  const isNamed = kind === 'route' || kind === 'endpoint';
  for (const resource of read) if (!isNamed || isWanted(resource.name)) store.put(resource);
  if (isWhole && !isNamed) deleteAbsent(read, store);
  for (const name of removed) {
    if (!isNamed) store.remove(name);
    else if (isWanted(name)) store.replaceByMissing(name);
  }
  const errors: ResourceError[] = [];
  for (const { name, outcome } of read) {
    if (!outcome.ok) errors.push({ typeUrl: typeUrls[kind], name, errors: outcome.errors });
  }
  store.isReceived = true;
  // An incremental response has a version for each resource, and none that stands for all of them.
  if (!isWhole) store.acceptedVersion = '';
  else if (errors.length === 0) store.acceptedVersion = version;
  store.isExact = isWhole && errors.length === 0;
  return errors;
}

function deleteAbsent<Value>(read: readonly ReadResource<Value>[], store: KindStore<Value>): void {
  const names = new Set(read.map(({ name }) => name));
  // One that is too broken to tell its name may be any of those that seem to be absent.
  if (names.has('')) return;
  store.forget((name, entry) => entry.kind !== 'missing' && !names.has(name));
}
