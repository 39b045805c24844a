import type { MeshResources } from '@inmesh/core';
import type { FieldError, ResourceError } from './decode-result.js';
import type { ResourceSet } from './resource-set.js';
import { type DecodedResources, resourceTypes } from './resource-types.js';
import { type ResourceKind, typeUrls } from './type-urls.js';

/** A resource that is used although some of its fields are ignored. */
export interface ResourceWarning {
  readonly typeUrl: string;
  readonly name: string;
  readonly warnings: readonly FieldError[];
}

/**
 * Reads a whole set without a server between: what is valid is kept, what is not is left out and reported. Whether the
 * resources refer to each other correctly is not looked at.
 */
export function decodeResources(set: ResourceSet): {
  resources: MeshResources;
  errors: ResourceError[];
  warnings: ResourceWarning[];
} {
  const problems: Problems = { errors: [], warnings: [] };
  const listeners = decodeKind('listener', set, problems);
  return {
    resources: {
      listeners: new Map([...listeners.values()].map((listener) => [listener.name, listener])),
      routes: decodeKind('route', set, problems),
      clusters: decodeKind('cluster', set, problems),
      assignments: decodeKind('endpoint', set, problems),
    },
    ...problems,
  };
}

interface Problems {
  readonly errors: ResourceError[];
  readonly warnings: ResourceWarning[];
}

function decodeKind<Kind extends ResourceKind>(
  kind: Kind,
  set: ResourceSet,
  problems: Problems,
): Map<string, DecodedResources[Kind]> {
  const decoded = new Map<string, DecodedResources[Kind]>();
  const typeUrl = typeUrls[kind];
  for (const [name, message] of resourceTypes[kind].of(set)) {
    const result = resourceTypes[kind].decode(message);
    if (result.ok) decoded.set(name, result.value);
    else problems.errors.push({ typeUrl, name, errors: result.errors });
    if (result.ok && result.warnings.length > 0) problems.warnings.push({ typeUrl, name, warnings: result.warnings });
  }
  return decoded;
}
