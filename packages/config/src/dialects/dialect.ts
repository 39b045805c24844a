import type { ResourceSet } from '@inmesh/xds';
import type { Client, ClientKind } from '../client.js';
import type { Memory } from '../memory.js';
import { forEnvoy } from './envoy/for-envoy.js';
import { forGrpc } from './grpc/for-grpc.js';

type Convert = (resources: ResourceSet, client: Client, memory: Memory) => ResourceSet;

const dialects: Readonly<Record<ClientKind, Convert>> = {
  inmesh: (resources) => resources,
  envoy: forEnvoy,
  grpc: forGrpc,
};

/** The resources of the SDK in the form that this kind of client takes. */
export function inDialectOf(client: Client, resources: ResourceSet, memory: Memory): ResourceSet {
  return dialects[client.kind](resources, client, memory);
}
