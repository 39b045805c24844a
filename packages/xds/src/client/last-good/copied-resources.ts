import { setImmediate as nextTurn } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import type { MeshResources } from '@inmesh/core';
import type { DecodedResources } from '../../resources/resource-types.js';
import { type ResourceKind, resourceKinds, typeUrls } from '../../resources/type-urls.js';
import { assemble } from '../assemble.js';
import type { ReceivedResource } from '../protocol.js';
import { ResponseReader } from '../read-response.js';
import { referencesOf } from '../references.js';
import { createResourceStore, type KindStore, type ResourceStore } from '../resource-store.js';
import type { CopiedResource } from './copy-format.js';

/** The longest stretch of reading before the event loop gets its turn. */
const sliceMs = 8;

const missingReason = 'it is not in the copy of the last good configuration';

/** PEM, as an inline key of a TLS context stands in a resource. */
const privateKey = 'PRIVATE KEY-----';

/** What may be kept on a disk: secrets are no part of a configuration, and a resource with a key in it is left out. */
export function* copyableResources(store: ResourceStore): Generator<CopiedResource> {
  for (const kind of resourceKinds) {
    for (const { version, bytes } of store[kind].present()) {
      if (bytes !== undefined && !asBuffer(bytes).includes(privateKey)) yield { kind, version, bytes };
    }
  }
}

/** A configuration of what a copy holds; what it refers to and does not hold counts as not existing. */
export async function assembleCopy(copied: Iterable<CopiedResource>): Promise<MeshResources | undefined> {
  const store = createResourceStore();
  const all = [...copied];
  for (const kind of resourceKinds)
    await fill(
      kind,
      all.filter((one) => one.kind === kind),
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
  copied: readonly CopiedResource[],
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

function asBuffer({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}
