import { type Any, anyUnpack } from '@bufbuild/protobuf/wkt';
import {
  type Cluster,
  Cluster_DiscoveryType,
  type HttpConnectionManager,
  HttpConnectionManagerSchema,
  type Listener,
} from '../messages.js';
import type { ServedMessages } from '../resources/resource-types.js';
import type { ServedKind } from '../resources/type-urls.js';
import type { ResourceRef } from './versioned-snapshot.js';

/** The endpoints of a cluster, and the route configurations of a listener: without them a client does not use either. */
export function referencesOf(message: ServedMessages[ServedKind]): ResourceRef[] {
  if (message.$typeName === 'envoy.config.cluster.v3.Cluster') return assignmentOf(message);
  if (message.$typeName === 'envoy.config.listener.v3.Listener') return routesOf(message);
  return [];
}

function assignmentOf({ name, clusterDiscoveryType: type, edsClusterConfig }: Cluster): ResourceRef[] {
  if (type.value !== Cluster_DiscoveryType.EDS) return [];
  return [{ kind: 'endpoint', name: edsClusterConfig?.serviceName || name }];
}

function routesOf(listener: Listener): ResourceRef[] {
  const chains = listener.defaultFilterChain
    ? [...listener.filterChains, listener.defaultFilterChain]
    : listener.filterChains;
  const configs = chains.flatMap(({ filters }) => filters.map(({ configType }) => configType.value));
  const names = [listener.apiListener?.apiListener, ...configs].flatMap(routeNameOf);
  return [...new Set(names)].map((name) => ({ kind: 'route', name }));
}

function routeNameOf(config: { $typeName: string } | undefined): string[] {
  if (config === undefined || !isAny(config)) return [];
  const manager = unpackOrUndefined(config);
  return manager?.routeSpecifier.case === 'rds' ? [manager.routeSpecifier.value.routeConfigName] : [];
}

/** Malformed bytes are for the client to refuse. */
function unpackOrUndefined(config: Any): HttpConnectionManager | undefined {
  try {
    return anyUnpack(config, HttpConnectionManagerSchema);
  } catch {
    return undefined;
  }
}

function isAny(config: { $typeName: string }): config is Any {
  return config.$typeName === 'google.protobuf.Any';
}
