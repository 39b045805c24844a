import type { ResourceError } from '../resources/decode-result.js';
import type { DecodedResources } from '../resources/resource-types.js';
import { type ResourceKind, typeUrls } from '../resources/type-urls.js';
import type { ReceivedResponse } from './protocol.js';
import type { KindStore, ReadResource } from './resource-store.js';
import type { XdsServerFeatures } from './server-config.js';

/** The names of a kind that are subscribed to by name. */
export type IsWanted = (name: string) => boolean;

const goneReason = 'the config server says that it does not exist';

/**
 * Takes the good resources of a response over into the store (gRFC A46) and returns what is wrong with the others, whose
 * last good version stays. What the server says is gone is deleted: by its name, or of listeners and clusters by not being
 * in their full state. `features` say otherwise for servers of which the bootstrap does.
 */
export function applyResponse<Kind extends ResourceKind>(
  kind: Kind,
  { version, removed, isWhole }: Pick<ReceivedResponse, 'version' | 'removed' | 'isWhole'>,
  read: readonly ReadResource<DecodedResources[Kind]>[],
  store: KindStore<DecodedResources[Kind]>,
  /** Undefined where everything is wanted. */
  isWanted: IsWanted | undefined,
  features: XdsServerFeatures,
): ResourceError[] {
  const isOurs = isWanted ?? (() => true);
  const onBad = features.failOnDataErrors ? 'drop' : 'keep last good';
  if (read.every(({ name }) => name !== '')) store.forgetNameless();
  for (const resource of read) {
    if (resource.name === '' || isOurs(resource.name)) store.put(resource, onBad);
  }
  const isFullState = isWhole && (kind === 'listener' || kind === 'cluster');
  for (const name of isFullState ? absentFrom(read, store) : removed) {
    if (!isOurs(name)) continue;
    if (features.ignoreResourceDeletion && store.valueOf(name) !== undefined) store.keepDeleted(name);
    else if (isWanted === undefined) store.remove(name);
    else store.replaceByMissing(name, goneReason);
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

function absentFrom<Value>(read: readonly ReadResource<Value>[], store: KindStore<Value>): string[] {
  const names = new Set(read.map(({ name }) => name));
  // One that is too broken to tell its name may be any of those that seem to be absent.
  if (names.has('')) return [];
  return [...store.delivered()].filter((name) => !names.has(name));
}
