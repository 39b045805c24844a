import type { MeshResources } from '@inmesh/core';
import { decodeResources, formatResourceError, type ResourceSet } from '@inmesh/xds';

/** Reads a set as a client would, and says what a client would refuse, one line for each resource. */
export function checkResources(set: ResourceSet): { resources: MeshResources; problems: string[] } {
  const { resources, errors } = decodeResources(set);
  return { resources, problems: errors.map(formatResourceError) };
}
