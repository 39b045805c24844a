import { type DescMessage, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import type { Cluster, ClusterLoadAssignment, RouteConfiguration } from '@inmesh/core';
import {
  ClusterLoadAssignmentSchema,
  ClusterSchema,
  ListenerSchema,
  RouteConfigurationSchema,
  SecretSchema,
  type Cluster as WireCluster,
  type ClusterLoadAssignment as WireClusterLoadAssignment,
  type Listener as WireListener,
  type RouteConfiguration as WireRouteConfiguration,
  type Secret as WireSecret,
} from '../messages.js';
import { decodeCluster } from './decode-cluster.js';
import { decodeClusterLoadAssignment } from './decode-endpoint.js';
import { type DecodedListener, decodeListener } from './decode-listener.js';
import type { DecodeResult } from './decode-result.js';
import { decodeRouteConfiguration } from './decode-route-configuration.js';
import type { ResourceSet } from './resource-set.js';
import type { ResourceKind, ServedKind } from './type-urls.js';

/** What each kind is as a message. */
export interface WireResources {
  listener: WireListener;
  route: WireRouteConfiguration;
  cluster: WireCluster;
  endpoint: WireClusterLoadAssignment;
}

/** The same, with what is served and not decoded. */
export interface ServedMessages extends WireResources {
  secret: WireSecret;
}

/** What each kind is in domain types. */
export interface DecodedResources {
  listener: DecodedListener;
  route: RouteConfiguration;
  cluster: Cluster;
  endpoint: ClusterLoadAssignment;
}

export interface ServedType<Wire> {
  write(message: Wire): Uint8Array;
  nameOf(message: Wire): string;
  /** The resources of this kind in a set. */
  of(set: ResourceSet): ReadonlyMap<string, Wire>;
}

export interface ResourceType<Wire, Decoded> extends ServedType<Wire> {
  /** Throws on malformed bytes. */
  read(bytes: Uint8Array): Wire;
  decode(message: Wire): DecodeResult<Decoded>;
}

/** The one table of the kinds; the name of an assignment is the name of the cluster it belongs to. */
export const resourceTypes: {
  readonly [Kind in ResourceKind]: ResourceType<WireResources[Kind], DecodedResources[Kind]>;
} = {
  listener: {
    ...codec(ListenerSchema),
    nameOf: ({ name }) => name,
    decode: decodeListener,
    of: ({ listeners }) => listeners,
  },
  route: {
    ...codec(RouteConfigurationSchema),
    nameOf: ({ name }) => name,
    decode: decodeRouteConfiguration,
    of: ({ routes }) => routes,
  },
  cluster: {
    ...codec(ClusterSchema),
    nameOf: ({ name }) => name,
    decode: decodeCluster,
    of: ({ clusters }) => clusters,
  },
  endpoint: {
    ...codec(ClusterLoadAssignmentSchema),
    nameOf: ({ clusterName }) => clusterName,
    decode: decodeClusterLoadAssignment,
    of: ({ assignments }) => assignments,
  },
};

const noSecrets: ReadonlyMap<string, WireSecret> = new Map();

/** The kinds as a server has them. */
export const servedTypes: { readonly [Kind in ServedKind]: ServedType<ServedMessages[Kind]> } = {
  ...resourceTypes,
  secret: {
    ...codec(SecretSchema),
    nameOf: ({ name }) => name,
    of: ({ secrets }) => secrets ?? noSecrets,
  },
};

function codec<Desc extends DescMessage>(schema: Desc) {
  return {
    // protobuf-es refuses nesting deeper than 100 by default, so a nesting bomb costs no stack.
    read: (bytes: Uint8Array) => fromBinary(schema, bytes),
    write: (message: MessageShape<Desc>) => toBinary(schema, message),
  };
}
