import { collectDecoded, type DecodedSet } from '../resources/decode-resources.js';
import type { DecodeResult } from '../resources/decode-result.js';
import { type DecodedResources, resourceTypes, type WireResources } from '../resources/resource-types.js';
import type { ResourceKind } from '../resources/type-urls.js';
import type { VersionedResource, VersionedSnapshot } from './versioned-snapshot.js';

type Results = { readonly [Kind in ResourceKind]: WeakMap<VersionedResource, DecodeResult<DecodedResources[Kind]>> };

const known: Results = {
  cluster: new WeakMap(),
  endpoint: new WeakMap(),
  listener: new WeakMap(),
  route: new WeakMap(),
};

/** Reads a snapshot as a client would. What it shares with others that were read is not read again. */
export function decodeSnapshot(snapshot: VersionedSnapshot): DecodedSet {
  return collectDecoded((kind) =>
    [...snapshot[kind].resources].map(([name, resource]) => [name, decodeOnce(kind, resource)] as const),
  );
}

function decodeOnce<Kind extends ResourceKind>(
  kind: Kind,
  resource: VersionedResource,
): DecodeResult<DecodedResources[Kind]> {
  const before = known[kind].get(resource);
  if (before !== undefined) return before;
  const result = resourceTypes[kind].decode(resource.message as WireResources[Kind]);
  known[kind].set(resource, result);
  return result;
}
