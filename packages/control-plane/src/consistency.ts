import type { MeshResources } from '@inmesh/core';
import { decodeResources, formatResourceError, type ResourceSet } from '@inmesh/xds';
import { decodeSnapshot, type VersionedSnapshot } from '@inmesh/xds/server';

type Decoded = ReturnType<typeof decodeResources>;

/** Reads a set as a client would, and says what a client would refuse, one line for each resource. */
export function checkResources(set: ResourceSet): { resources: MeshResources; problems: string[] } {
  return checkDecoded(decodeResources(set));
}

/** The same for what is about to be served; what has been served before is not read again. */
export function checkSnapshot(snapshot: VersionedSnapshot): { resources: MeshResources; problems: string[] } {
  return checkDecoded(decodeSnapshot(snapshot));
}

function checkDecoded({ resources, errors }: Decoded): { resources: MeshResources; problems: string[] } {
  return { resources, problems: errors.map(formatResourceError) };
}
