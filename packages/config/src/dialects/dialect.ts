import type { ResourceSet } from '@inmesh/xds';
import type { Client, ClientKind } from '../client.js';
import { forEnvoy } from './envoy/for-envoy.js';
import { forGrpc } from './grpc/for-grpc.js';

const dialects: Readonly<Record<ClientKind, (resources: ResourceSet, client: Client) => ResourceSet>> = {
  inmesh: (resources) => resources,
  envoy: forEnvoy,
  grpc: forGrpc,
};

/** The resources of the SDK in the form that this kind of client takes. */
export function inDialectOf(client: Client, resources: ResourceSet): ResourceSet {
  return dialects[client.kind](resources, client);
}
