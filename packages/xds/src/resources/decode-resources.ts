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

/** What became of the resources of a kind, by name. */
export type ResultsOf = <Kind extends ResourceKind>(
  kind: Kind,
) => Iterable<readonly [string, DecodeResult<DecodedResources[Kind]>]>;

/**
 * Reads a whole set without a server between: what is valid is kept, what is not is left out and reported. Whether the
 * resources refer to each other correctly is not looked at.
 */
export function decodeResources(set: ResourceSet): DecodedSet {
  return collectDecoded((kind) => {
    const { of, decode } = resourceTypes[kind];
    return [...of(set)].map(([name, message]) => [name, decode(message)] as const);
  });
}

export function collectDecoded(resultsOf: ResultsOf): DecodedSet {
  const problems: Problems = { errors: [], warnings: [] };
  const listeners = collectKind('listener', resultsOf, problems);
  return {
    resources: {
      listeners: new Map(
        [...listeners.values()].flatMap((listener) =>
          listener.inbound === undefined ? [[listener.name, listener] as const] : [],
        ),
      ),
      routes: collectKind('route', resultsOf, problems),
      clusters: collectKind('cluster', resultsOf, problems),
      assignments: collectKind('endpoint', resultsOf, problems),
      inbound: inboundOf(listeners.values(), problems.errors),
    },
    ...problems,
  };
}

/** One that could not be read lets nobody in. */
function inboundOf(
  listeners: Iterable<DecodedResources['listener']>,
  errors: readonly ResourceError[],
): InboundListener | undefined {
  const refused = errors.filter(({ typeUrl, name }) => typeUrl === typeUrls.listener && isInboundName(name));
  const read = [...listeners].flatMap(({ inbound }) => inbound ?? []);
  return mergeInbound([...read, ...refused.map(({ name }) => closedInbound(name))], undefined);
}

interface Problems {
  readonly errors: ResourceError[];
  readonly warnings: ResourceWarning[];
}

function collectKind<Kind extends ResourceKind>(
  kind: Kind,
  resultsOf: ResultsOf,
  problems: Problems,
): Map<string, DecodedResources[Kind]> {
  const decoded = new Map<string, DecodedResources[Kind]>();
  const typeUrl = typeUrls[kind];
  for (const [name, result] of resultsOf(kind)) {
    if (result.ok) decoded.set(name, result.value);
    else problems.errors.push({ typeUrl, name, errors: result.errors });
    if (result.ok && result.warnings.length > 0) problems.warnings.push({ typeUrl, name, warnings: result.warnings });
  }
  return decoded;
}
