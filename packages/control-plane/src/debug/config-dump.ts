import { type DescMessage, type JsonValue, type MessageShape, toJson } from '@bufbuild/protobuf';
import { type ResourceSet, servedKinds } from '@inmesh/xds';
import {
  ClusterLoadAssignmentSchema,
  ClusterSchema,
  ListenerSchema,
  RouteConfigurationSchema,
  SecretSchema,
} from '@inmesh/xds/messages';
import { knownTypes, redact, type VersionedSnapshot } from '@inmesh/xds/server';

/** The resources that are served, in proto JSON, sorted by name, without keys; with the versions that clients see. */
export function dumpConfig(set: ResourceSet | undefined, snapshot: VersionedSnapshot | undefined): object {
  const versions = servedKinds.map((kind) => [kind, snapshot?.[kind].version ?? '']);
  return {
    versions: Object.fromEntries(versions),
    listeners: dumpAll(ListenerSchema, set?.listeners),
    routes: dumpAll(RouteConfigurationSchema, set?.routes),
    clusters: dumpAll(ClusterSchema, set?.clusters),
    endpoints: dumpAll(ClusterLoadAssignmentSchema, set?.assignments),
    secrets: dumpAll(SecretSchema, set?.secrets),
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
    return toJson(schema, redact(schema, message), { registry: knownTypes(), useProtoFieldName: true });
  } catch (error) {
    return { name, error: `cannot be shown: ${(error as Error).message}` };
  }
}
