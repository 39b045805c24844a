import type { MethodDefinition } from '@grpc/grpc-js';
import {
  ClusterDiscoveryService,
  type DeltaDiscoveryRequest,
  type DeltaDiscoveryResponse,
  type DiscoveryRequest,
  type DiscoveryResponse,
  EndpointDiscoveryService,
  ListenerDiscoveryService,
  RouteDiscoveryService,
  SecretDiscoveryService,
} from '../messages.js';
import type { ServedKind } from '../resources/type-urls.js';
import { methodOf } from './methods.js';

export interface SingleTypeService {
  readonly stream: MethodDefinition<DiscoveryRequest, DiscoveryResponse>;
  readonly delta: MethodDefinition<DeltaDiscoveryRequest, DeltaDiscoveryResponse>;
}

/** The discovery service of each kind, with its two variants. Fetching without a stream is for REST. */
export const singleTypeServices: Readonly<Record<ServedKind, SingleTypeService>> = {
  cluster: {
    stream: methodOf(ClusterDiscoveryService.method.streamClusters),
    delta: methodOf(ClusterDiscoveryService.method.deltaClusters),
  },
  endpoint: {
    stream: methodOf(EndpointDiscoveryService.method.streamEndpoints),
    delta: methodOf(EndpointDiscoveryService.method.deltaEndpoints),
  },
  listener: {
    stream: methodOf(ListenerDiscoveryService.method.streamListeners),
    delta: methodOf(ListenerDiscoveryService.method.deltaListeners),
  },
  route: {
    stream: methodOf(RouteDiscoveryService.method.streamRoutes),
    delta: methodOf(RouteDiscoveryService.method.deltaRoutes),
  },
  secret: {
    stream: methodOf(SecretDiscoveryService.method.streamSecrets),
    delta: methodOf(SecretDiscoveryService.method.deltaSecrets),
  },
};
