// Wire messages for tests, valid unless they are told otherwise.
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type Any, anyPack, EmptySchema } from '@bufbuild/protobuf/wkt';
import {
  type Cluster,
  Cluster_DiscoveryType,
  type ClusterLoadAssignment,
  ClusterLoadAssignmentSchema,
  ClusterSchema,
  type HttpConnectionManagerSchema,
  type Listener,
  ListenerSchema,
  HttpConnectionManagerSchema as ManagerSchema,
  type RouteConfiguration,
  RouteConfigurationSchema,
  RouterSchema,
  type Secret,
  SecretSchema,
} from '../src/messages.js';
import type { ResourceSet } from '../src/resources/resource-set.js';

const ads = { configSourceSpecifier: { case: 'ads', value: {} } } as const;

export const routerFilter = {
  name: 'envoy.filters.http.router',
  configType: { case: 'typedConfig', value: anyPack(RouterSchema, create(RouterSchema)) },
} as const;

export function someAny(): Any {
  return anyPack(EmptySchema, create(EmptySchema));
}

/** Names its routes, unless `manager` says otherwise. */
export function listenerMessage(
  name: string,
  routeName = 'routes',
  manager: MessageInitShape<typeof HttpConnectionManagerSchema> = {},
): Listener {
  const value = create(ManagerSchema, {
    httpFilters: [routerFilter],
    routeSpecifier: { case: 'rds', value: { configSource: ads, routeConfigName: routeName } },
    ...manager,
  });
  return create(ListenerSchema, { name, apiListener: { apiListener: anyPack(ManagerSchema, value) } });
}

/** Everything of every host goes to one cluster. */
export function routeMessage(name: string, cluster: string): RouteConfiguration {
  return create(RouteConfigurationSchema, {
    name,
    virtualHosts: [
      {
        name: 'all',
        domains: ['*'],
        routes: [
          {
            match: { pathSpecifier: { case: 'prefix', value: '/' } },
            action: { case: 'route', value: { clusterSpecifier: { case: 'cluster', value: cluster } } },
          },
        ],
      },
    ],
  });
}

export type ClusterInit = Exclude<MessageInitShape<typeof ClusterSchema>, Cluster>;

export function clusterMessage(name: string, init: ClusterInit = {}): Cluster {
  return create(ClusterSchema, {
    name,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: ads },
    ...init,
  });
}

export function lbEndpoint(address: string, portValue = 8080) {
  return {
    hostIdentifier: {
      case: 'endpoint',
      value: {
        address: {
          address: {
            case: 'socketAddress',
            value: { address, portSpecifier: { case: 'portValue', value: portValue } },
          },
        },
      },
    },
  } as const;
}

export function assignmentMessage(clusterName: string, ...addresses: string[]): ClusterLoadAssignment {
  return create(ClusterLoadAssignmentSchema, {
    clusterName,
    endpoints: [{ locality: { region: 'r', zone: 'z' }, lbEndpoints: addresses.map((address) => lbEndpoint(address)) }],
  });
}

export function resourceSet(messages: {
  listeners?: readonly Listener[];
  routes?: readonly RouteConfiguration[];
  clusters?: readonly Cluster[];
  assignments?: readonly ClusterLoadAssignment[];
}): ResourceSet {
  return {
    listeners: byKey(messages.listeners ?? [], ({ name }) => name),
    routes: byKey(messages.routes ?? [], ({ name }) => name),
    clusters: byKey(messages.clusters ?? [], ({ name }) => name),
    assignments: byKey(messages.assignments ?? [], ({ clusterName }) => clusterName),
  };
}

/** A certificate with its key. */
export function secretMessage(name: string, key: string): Secret {
  const inline = (text: string) => ({
    specifier: { case: 'inlineBytes' as const, value: new TextEncoder().encode(text) },
  });
  const value = { certificateChain: inline('a certificate'), privateKey: inline(key) };
  return create(SecretSchema, { name, type: { case: 'tlsCertificate', value } });
}

/** Whom to trust. */
export function trustMessage(name: string): Secret {
  const trustedCa = { specifier: { case: 'inlineString' as const, value: 'authorities' } };
  return create(SecretSchema, { name, type: { case: 'validationContext', value: { trustedCa } } });
}

/** A service of the name: its listener, its routes, its cluster and its endpoints are all called the same. */
export function serviceSet(services: Readonly<Record<string, readonly string[]>>): ResourceSet {
  const names = Object.keys(services);
  return resourceSet({
    listeners: names.map((name) => listenerMessage(name, name)),
    routes: names.map((name) => routeMessage(name, name)),
    clusters: names.map((name) => clusterMessage(name)),
    assignments: Object.entries(services).map(([name, addresses]) => assignmentMessage(name, ...addresses)),
  });
}

function byKey<Message>(messages: readonly Message[], key: (message: Message) => string): Map<string, Message> {
  return new Map(messages.map((message) => [key(message), message]));
}

/** Paths with their messages, as `path: message`. */
export function problemsOf(result: { ok: boolean; errors?: readonly { path: string; message: string }[] }): string[] {
  return (result.errors ?? []).map(({ path, message }) => `${path}: ${message}`);
}

/** The bytes of a cluster whose metadata is a struct in a struct in a struct, thousands of times: about 50 KB. */
export function nestingBomb(depth = 4000): Uint8Array {
  let bytes = Buffer.alloc(0);
  const wrap = (field: number) => {
    bytes = Buffer.concat([varint((field << 3) | 2), varint(bytes.length), bytes]);
  };
  for (let level = 0; level < depth; level += 1) {
    wrap(5); // Value.struct_value
    wrap(2); // Struct.FieldsEntry.value
    wrap(1); // Struct.fields
  }
  wrap(2); // Metadata.FilterMetadataEntry.value
  wrap(1); // Metadata.filter_metadata
  wrap(25); // Cluster.metadata
  return bytes;
}

function varint(value: number): Buffer {
  const bytes = value > 127 ? [...varint(value >>> 7)] : [];
  return Buffer.from(value > 127 ? [(value & 127) | 128, ...bytes] : [value]);
}
