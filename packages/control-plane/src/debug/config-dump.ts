import {
  createRegistry,
  type DescMessage,
  type JsonValue,
  type MessageShape,
  type Registry,
  toJson,
} from '@bufbuild/protobuf';
import { type ResourceSet, resourceKinds } from '@inmesh/xds';
import * as messages from '@inmesh/xds/messages';
import type { VersionedSnapshot } from '@inmesh/xds/server';

/** The resources that are served, in proto JSON, sorted by name; with the versions that clients see. */
export function dumpConfig(set: ResourceSet | undefined, snapshot: VersionedSnapshot | undefined): object {
  const versions = resourceKinds.map((kind) => [kind, snapshot?.[kind].version ?? '']);
  return {
    versions: Object.fromEntries(versions),
    listeners: dumpAll(messages.ListenerSchema, set?.listeners),
    routes: dumpAll(messages.RouteConfigurationSchema, set?.routes),
    clusters: dumpAll(messages.ClusterSchema, set?.clusters),
    endpoints: dumpAll(messages.ClusterLoadAssignmentSchema, set?.assignments),
  };
}

function dumpAll<Desc extends DescMessage>(
  schema: Desc,
  resources: ReadonlyMap<string, MessageShape<Desc>> = new Map(),
): JsonValue[] {
  const byName = [...resources].sort(([a], [b]) => (a < b ? -1 : 1));
  return byName.map(([name, message]) => dump(schema, name, message));
}

/** A message packed in another can be of a type that this program does not have. */
function dump<Desc extends DescMessage>(schema: Desc, name: string, message: MessageShape<Desc>): JsonValue {
  try {
    return toJson(schema, message, { registry: knownTypes(), useProtoFieldName: true });
  } catch (error) {
    return { name, error: `cannot be shown: ${(error as Error).message}` };
  }
}

let registry: Registry | undefined;

/** Every message that inmesh has, for those that are packed in others. */
function knownTypes(): Registry {
  const exported: unknown[] = Object.values(messages);
  registry ??= createRegistry(...exported.filter(isMessageType));
  return registry;
}

function isMessageType(exported: unknown): exported is DescMessage {
  return typeof exported === 'object' && exported !== null && 'kind' in exported && exported.kind === 'message';
}
