import { hash } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { type Any, AnySchema } from '@bufbuild/protobuf/wkt';
import { type Resource, ResourceSchema } from '../messages.js';
import type { ResourceSet } from '../resources/resource-set.js';
import { type ServedMessages, servedTypes } from '../resources/resource-types.js';
import { type ServedKind, typeUrls } from '../resources/type-urls.js';
import { OnDemand } from './on-demand.js';
import { referencesOf } from './references.js';

/** A resource of the kind and name given. */
export interface ResourceRef {
  readonly kind: ServedKind;
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
  /** What it was made of first; equal ones came later. */
  readonly message: ServedMessages[ServedKind];
}

/** All resources of one type. The same object as long as nothing of it changes. */
export interface VersionedType {
  readonly version: string;
  readonly resources: ReadonlyMap<string, VersionedResource>;
  /** What else there is for those who name it. */
  readonly onDemand?: OnDemand | undefined;
}

export type VersionedSnapshot = Readonly<Record<ServedKind, VersionedType>>;

/**
 * Serializes and versions a set. Resources and types that did not change are taken over from `previous`; a message that was
 * in any set before is not looked into, so messages must not be changed once they were in one.
 */
export function versionSnapshot(set: ResourceSet, previous: VersionedSnapshot | undefined): VersionedSnapshot {
  return {
    cluster: versionType('cluster', set, previous?.cluster),
    endpoint: versionType('endpoint', set, previous?.endpoint),
    listener: withOnDemand(set, versionType('listener', set, previous?.listener)),
    route: versionType('route', set, previous?.route),
    secret: versionType('secret', set, previous?.secret),
  };
}

function versionType<Kind extends ServedKind>(
  kind: Kind,
  set: ResourceSet,
  previous: VersionedType | undefined,
): VersionedType {
  const messages = servedTypes[kind].of(set);
  if (previous !== undefined && madeOf.get(previous) === messages) return previous;
  const resources = new Map<string, VersionedResource>();
  for (const [name, message] of messages) {
    const before = previous?.resources.get(name);
    resources.set(name, before?.message === message ? before : versionResource(kind, name, message, before));
  }
  const made = typeOf(resources, previous);
  madeOf.set(made, messages);
  return made;
}

/** A set of another time may have the very same map. */
const madeOf = new WeakMap<VersionedType, object>();

function typeOf(resources: Resources, previous: VersionedType | undefined): VersionedType {
  if (previous !== undefined && isSame(resources, previous.resources)) return previous;
  const version = versionOfAll(resources);
  return version === previous?.version ? previous : { version, resources };
}

type Resources = VersionedType['resources'];

function isSame(resources: Resources, previous: Resources): boolean {
  if (resources.size !== previous.size) return false;
  for (const [name, resource] of resources) if (previous.get(name) !== resource) return false;
  return true;
}

/** One of no snapshot. */
export function versionSecret(message: ServedMessages['secret']): VersionedResource {
  return versionResource('secret', message.name, message, undefined);
}

type MakeListener = NonNullable<ResourceSet['listenerOnDemand']>;

const onDemand = new WeakMap<MakeListener, OnDemand>();

function withOnDemand({ listenerOnDemand: make }: ResourceSet, listeners: VersionedType): VersionedType {
  const made = make === undefined ? undefined : onDemandOf(make);
  if (listeners.onDemand === made) return listeners;
  const { version, resources } = listeners;
  return made === undefined ? { version, resources } : { version, resources, onDemand: made };
}

function onDemandOf(make: MakeListener): OnDemand {
  let found = onDemand.get(make);
  if (found === undefined) {
    found = new OnDemand((name) => {
      const message = make(name);
      return message === undefined ? undefined : versionResource('listener', name, message, undefined);
    });
    onDemand.set(make, found);
  }
  return found;
}

/** A message that several snapshots share is serialized once. */
const byMessage = new WeakMap<object, VersionedResource>();

function versionResource<Kind extends ServedKind>(
  kind: Kind,
  name: string,
  message: ServedMessages[Kind],
  previous: VersionedResource | undefined,
): VersionedResource {
  const actualName = servedTypes[kind].nameOf(message);
  // Two keys of one name would make a response with duplicates, which clients refuse whole.
  if (actualName !== name) throw new Error(`the ${kind} under the key "${name}" is called "${actualName}"`);
  const resource = byMessage.get(message) ?? serialize(kind, name, message, previous);
  byMessage.set(message, resource);
  return resource;
}

function serialize<Kind extends ServedKind>(
  kind: Kind,
  name: string,
  message: ServedMessages[Kind],
  previous: VersionedResource | undefined,
): VersionedResource {
  const value = servedTypes[kind].write(message);
  const version = shortHash(value);
  if (previous?.version === version) return previous;
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
