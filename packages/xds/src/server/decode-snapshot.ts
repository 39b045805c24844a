import { collectKind, type DecodedKind, type DecodedSet, joinKinds } from '../resources/decode-resources.js';
import type { DecodeResult } from '../resources/decode-result.js';
import { type DecodedResources, resourceTypes, type WireResources } from '../resources/resource-types.js';
import type { ResourceKind } from '../resources/type-urls.js';
import type { VersionedResource, VersionedSnapshot, VersionedType } from './versioned-snapshot.js';

type Results = { readonly [Kind in ResourceKind]: WeakMap<VersionedResource, DecodeResult<DecodedResources[Kind]>> };
type Types = { readonly [Kind in ResourceKind]: WeakMap<VersionedType, DecodedKind<DecodedResources[Kind]>> };

const known: Results = {
  cluster: new WeakMap(),
  endpoint: new WeakMap(),
  listener: new WeakMap(),
  route: new WeakMap(),
};

const knownTypes: Types = {
  cluster: new WeakMap(),
  endpoint: new WeakMap(),
  listener: new WeakMap(),
  route: new WeakMap(),
};

/** Reads a snapshot as a client would. What it shares with others that were read is not read again. */
export function decodeSnapshot(snapshot: VersionedSnapshot): DecodedSet {
  return joinKinds({
    listener: decodeType('listener', snapshot.listener),
    route: decodeType('route', snapshot.route),
    cluster: decodeType('cluster', snapshot.cluster),
    endpoint: decodeType('endpoint', snapshot.endpoint),
  });
}

function decodeType<Kind extends ResourceKind>(kind: Kind, type: VersionedType): DecodedKind<DecodedResources[Kind]> {
  const before = knownTypes[kind].get(type);
  if (before !== undefined) return before;
  const results = [...type.resources].map(([name, resource]) => [name, decodeOnce(kind, resource)] as const);
  const decoded = collectKind(kind, results);
  knownTypes[kind].set(type, decoded);
  return decoded;
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
