import type { InboundListener, MeshResources } from '@inmesh/core';
import { closedInbound } from './decode-inbound-listener.js';
import type { DecodeResult, FieldError, ResourceError } from './decode-result.js';
import { isInboundName } from './inbound-name.js';
import { mergeInbound } from './merge-inbound.js';
import type { ResourceSet } from './resource-set.js';
import { type DecodedResources, resourceTypes } from './resource-types.js';
import { type ResourceKind, typeUrls } from './type-urls.js';

/** A resource that is used although some of its fields are ignored. */
export interface ResourceWarning {
  readonly typeUrl: string;
  readonly name: string;
  readonly warnings: readonly FieldError[];
}

export interface DecodedSet {
  readonly resources: MeshResources;
  readonly errors: ResourceError[];
  readonly warnings: ResourceWarning[];
}

/** What became of the resources of a kind. */
export interface DecodedKind<Value> extends Pick<DecodedSet, 'errors' | 'warnings'> {
  readonly values: ReadonlyMap<string, Value>;
}

export type DecodedKinds = { readonly [Kind in ResourceKind]: DecodedKind<DecodedResources[Kind]> };

/**
 * Reads a whole set without a server between: what is valid is kept, what is not is left out and reported. Whether the
 * resources refer to each other correctly is not looked at.
 */
export function decodeResources(set: ResourceSet): DecodedSet {
  const decodeAll = <Kind extends ResourceKind>(kind: Kind) => {
    const { of, decode } = resourceTypes[kind];
    return collectKind(
      kind,
      [...of(set)].map(([name, message]) => [name, decode(message)] as const),
    );
  };
  return joinKinds({
    listener: decodeAll('listener'),
    route: decodeAll('route'),
    cluster: decodeAll('cluster'),
    endpoint: decodeAll('endpoint'),
  });
}

export function joinKinds({ listener, route, cluster, endpoint }: DecodedKinds): DecodedSet {
  const kinds = [listener, route, cluster, endpoint];
  return {
    resources: {
      listeners: new Map(
        [...listener.values.values()].flatMap((one) => (one.inbound === undefined ? [[one.name, one] as const] : [])),
      ),
      routes: route.values,
      clusters: cluster.values,
      assignments: endpoint.values,
      inbound: inboundOf(listener.values.values(), listener.errors),
    },
    errors: kinds.flatMap(({ errors }) => errors),
    warnings: kinds.flatMap(({ warnings }) => warnings),
  };
}

/** One that could not be read lets nobody in. */
function inboundOf(
  listeners: Iterable<DecodedResources['listener']>,
  errors: readonly ResourceError[],
): InboundListener | undefined {
  const refused = errors.filter(({ name }) => isInboundName(name));
  const read = [...listeners].flatMap(({ inbound }) => inbound ?? []);
  return mergeInbound([...read, ...refused.map(({ name }) => closedInbound(name))], undefined);
}

export function collectKind<Kind extends ResourceKind>(
  kind: Kind,
  results: Iterable<readonly [string, DecodeResult<DecodedResources[Kind]>]>,
): DecodedKind<DecodedResources[Kind]> {
  const values = new Map<string, DecodedResources[Kind]>();
  const errors: ResourceError[] = [];
  const warnings: ResourceWarning[] = [];
  const typeUrl = typeUrls[kind];
  for (const [name, result] of results) {
    if (result.ok) values.set(name, result.value);
    else errors.push({ typeUrl, name, errors: result.errors });
    if (result.ok && result.warnings.length > 0) warnings.push({ typeUrl, name, warnings: result.warnings });
  }
  return { values, errors, warnings };
}
