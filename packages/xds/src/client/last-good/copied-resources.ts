import { setImmediate as nextTurn } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import type { MeshResources } from '@inmesh/core';
import type { DecodedListener } from '../../resources/decode-listener.js';
import type { DecodedResources } from '../../resources/resource-types.js';
import { type ResourceKind, resourceKinds, typeUrls } from '../../resources/type-urls.js';
import { assemble } from '../assemble.js';
import type { ReceivedResource } from '../protocol.js';
import { ResponseReader } from '../read-response.js';
import { referencesOf } from '../references.js';
import { createResourceStore, type KindStore, type ReadResource, type ResourceStore } from '../resource-store.js';
import type { CopiedResource, KeptResource } from './copy-format.js';
import { holdsKey } from './holds-key.js';

/** The longest stretch of reading before the event loop gets its turn. */
const sliceMs = 8;

const missingReason = 'it is not in the copy of the last good configuration';

const withheldReason =
  'the server had one that was refused, or had a key in it, so it is not in the copy of its configuration';

/**
 * What may be kept on a disk: secrets are no part of a configuration, and a resource with a key in it is left out. Of a listener
 * that is left out, or was refused, it is kept that there is one: without it those whom it keeps out would come in.
 */
export function* copyableResources(store: ResourceStore): Generator<CopiedResource> {
  for (const kind of resourceKinds) {
    for (const { name, version, bytes } of store[kind].present()) {
      if (bytes === undefined) continue;
      if (!holdsKey(kind, bytes)) yield { kind, version, bytes };
      else if (kind === 'listener') yield { kind: 'withheld listener', name };
    }
  }
  for (const { name } of store.listener.problems) {
    if (store.listener.get(name)?.kind === 'rejected') yield { kind: 'withheld listener', name };
  }
}

/** A configuration of what a copy holds; what it refers to and does not hold counts as not existing. */
export async function assembleCopy(copied: Iterable<CopiedResource>): Promise<MeshResources | undefined> {
  const store = createResourceStore();
  const kept: KeptResource[] = [];
  for (const one of copied) {
    if (one.kind === 'withheld listener') store.listener.put(withheld(one.name));
    else kept.push(one);
  }
  for (const kind of resourceKinds)
    await fill(
      kind,
      kept.filter((one) => one.kind === kind),
      store[kind],
    );
  const { route, endpoint, cluster } = referencesOf(store, undefined);
  for (const [kind, names] of [
    ['route', route],
    ['endpoint', endpoint],
    ['cluster', cluster],
  ] as const) {
    for (const name of names) store[kind].markMissing(name, missingReason);
  }
  return assemble(store, undefined);
}

async function fill<Kind extends ResourceKind>(
  kind: Kind,
  copied: readonly KeptResource[],
  store: KindStore<DecodedResources[Kind]>,
): Promise<void> {
  const received = copied.map(
    ({ version, bytes: value }): ReceivedResource => ({
      any: create(AnySchema, { typeUrl: typeUrls[kind], value }),
      name: '',
      version,
    }),
  );
  const reader = new ResponseReader(kind, received, store);
  while (!reader.isDone) {
    const end = performance.now() + sliceMs;
    reader.read(() => performance.now() >= end);
    await nextTurn();
  }
  for (const resource of reader.resources) store.put(resource);
  store.isReceived = true;
}

function withheld(name: string): ReadResource<DecodedListener> {
  return { name, outcome: { ok: false, errors: [{ path: '', message: withheldReason }] } };
}
