import { readdirSync, readFileSync } from 'node:fs';
import { type DescMessage, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { register } from '@grpc/grpc-js-xds';
import { ClusterResourceType } from '@grpc/grpc-js-xds/build/src/xds-resource-type/cluster-resource-type.js';
import { EndpointResourceType } from '@grpc/grpc-js-xds/build/src/xds-resource-type/endpoint-resource-type.js';
import { ListenerResourceType } from '@grpc/grpc-js-xds/build/src/xds-resource-type/listener-resource-type.js';
import { RouteConfigurationResourceType } from '@grpc/grpc-js-xds/build/src/xds-resource-type/route-config-resource-type.js';
import type { XdsResourceType } from '@grpc/grpc-js-xds/build/src/xds-resource-type/xds-resource-type.js';
import { loadConfig } from '@inmesh/config';
import {
  ClusterLoadAssignmentSchema,
  ClusterSchema,
  ListenerSchema,
  RouteConfigurationSchema,
} from '@inmesh/xds/messages';
import { beforeAll, describe, expect, it } from 'vitest';

// The code by which gRPC for Node decides whether it ACKs, over every configuration that stands in this repository.
const folders = ['../packages/config/test/golden/', '../examples/'].map((path) => new URL(path, import.meta.url));

const files = folders.flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.yaml') && !name.endsWith('.out.yaml') && !name.includes('node_modules'))
    .map((name): [string, URL] => [name, new URL(name, folder)]),
);

type DecodeContext = Parameters<XdsResourceType['decode']>[0];

const server: DecodeContext['server'] = { server_uri: 'localhost:1', server_features: [], channel_creds: [] };
const context: DecodeContext = {
  server,
  bootstrap: {
    xdsServers: [server],
    node: { id: 'test', locality: {} },
    authorities: {},
    clientDefaultListenerResourceNameTemplate: '%s',
    serverListenerResourceNameTemplate: null,
    certificateProviders: {},
  },
};

function refusalsOf<Desc extends DescMessage>(
  type: XdsResourceType,
  schema: Desc,
  resources: ReadonlyMap<string, MessageShape<Desc>>,
): string[] {
  return [...resources].flatMap(([name, resource]) => {
    const value = Buffer.from(toBinary(schema, resource));
    const { error } = type.decode(context, { type_url: `type.googleapis.com/${schema.typeName}`, value });
    return error === undefined ? [] : [`${name}: ${error}`];
  });
}

describe('gRPC for Node takes all resources of', () => {
  // Filters and balancers are known once they are registered.
  beforeAll(register);

  it.each(files)('%s', (name, url) => {
    const text = readFileSync(url, 'utf8');
    for (const namespace of ['default', 'other']) {
      const client = { kind: 'grpc', namespace } as const;
      const { listeners, routes, clusters, assignments } = loadConfig([{ path: name, text }], { client }).resources;
      expect([
        ...refusalsOf(ListenerResourceType.get(), ListenerSchema, listeners),
        ...refusalsOf(RouteConfigurationResourceType.get(), RouteConfigurationSchema, routes),
        ...refusalsOf(ClusterResourceType.get(), ClusterSchema, clusters),
        ...refusalsOf(EndpointResourceType.get(), ClusterLoadAssignmentSchema, assignments),
      ]).toEqual([]);
    }
  });
});
