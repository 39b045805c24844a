import { hash } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { type Any, AnySchema } from '@bufbuild/protobuf/wkt';
import { type Resource, ResourceSchema } from '../messages.js';
import type { ResourceSet } from '../resources/resource-set.js';
import { resourceTypes, type WireResources } from '../resources/resource-types.js';
import { type ResourceKind, typeUrls } from '../resources/type-urls.js';
import { referencesOf } from './references.js';

/** A resource of the kind and name given. */
export interface ResourceRef {
  readonly kind: ResourceKind;
  readonly name: string;
}

export interface VersionedResource {
  readonly name: string;
  /** A hash of the content: the same on every replica, and after a restart. */
  readonly version: string;
  /** Serialized once, however many clients it is sent to. */
  readonly any: Any;
  /** The same with its name and version, for incremental streams. */
  readonly wrapped: Resource;
  /** What a receiver of a change waits for before it uses the change (Envoy warming): to be sent again after it. */
  readonly references: readonly ResourceRef[];
  /** What it was made of, to tell unchanged messages without serializing them. */
  readonly message: object;
}

/** All resources of one type. The same object as long as nothing of it changes. */
export interface VersionedType {
  readonly version: string;
  readonly resources: ReadonlyMap<string, VersionedResource>;
}

export type VersionedSnapshot = Readonly<Record<ResourceKind, VersionedType>>;

/**
 * Serializes and versions a set. Resources and types that did not change are taken over from `previous`: a message that is
 * the same object is not looked into, so messages must not be changed once they were in a set.
 */
export function versionSnapshot(set: ResourceSet, previous: VersionedSnapshot | undefined): VersionedSnapshot {
  return {
    cluster: versionType('cluster', set, previous?.cluster),
    endpoint: versionType('endpoint', set, previous?.endpoint),
    listener: versionType('listener', set, previous?.listener),
    route: versionType('route', set, previous?.route),
  };
}

function versionType<Kind extends ResourceKind>(
  kind: Kind,
  set: ResourceSet,
  previous: VersionedType | undefined,
): VersionedType {
  const resources = new Map<string, VersionedResource>();
  for (const [name, message] of resourceTypes[kind].of(set)) {
    resources.set(name, versionResource(kind, name, message, previous?.resources.get(name)));
  }
  const version = versionOfAll(resources);
  return version === previous?.version ? previous : { version, resources };
}

function versionResource<Kind extends ResourceKind>(
  kind: Kind,
  name: string,
  message: WireResources[Kind],
  previous: VersionedResource | undefined,
): VersionedResource {
  if (previous?.message === message) return previous;
  const actualName = resourceTypes[kind].nameOf(message);
  // Two keys of one name would make a response with duplicates, which clients refuse whole.
  if (actualName !== name) throw new Error(`the ${kind} under the key "${name}" is called "${actualName}"`);
  const value = resourceTypes[kind].write(message);
  const version = shortHash(value);
  if (previous?.version === version) return { ...previous, message };
  const any = create(AnySchema, { typeUrl: typeUrls[kind], value });
  const wrapped = create(ResourceSchema, { name, version, resource: any });
  return { name, version, any, wrapped, references: referencesOf(message), message };
}

function versionOfAll(resources: ReadonlyMap<string, VersionedResource>): string {
  const lines = [...resources.values()].map(({ name, version }) => `${name}\0${version}\n`);
  return shortHash(lines.sort().join(''));
}

/** 64 bits: among a million versions two are equal with a chance of 1 in 30 million. */
function shortHash(content: string | Uint8Array): string {
  return hash('sha256', content, 'hex').slice(0, 16);
}
