/** The type URLs of xDS v3 by which a discovery request says what it asks for. */
export const typeUrls = {
  listener: 'type.googleapis.com/envoy.config.listener.v3.Listener',
  route: 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
  cluster: 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  endpoint: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
  secret: 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret',
} as const;

/** The kinds that a mesh configuration is made of, and that its clients decode. */
export type ResourceKind = Exclude<ServedKind, 'secret'>;

/** What a server has: a configuration, and the certificates that it refers to. */
export type ServedKind = keyof typeof typeUrls;

export const resourceKinds: readonly ResourceKind[] = ['cluster', 'endpoint', 'listener', 'route'];

export const servedKinds: readonly ServedKind[] = [...resourceKinds, 'secret'];

/** Undefined for a type that is no part of a mesh configuration. */
export function kindOf(typeUrl: string): ResourceKind | undefined {
  return resourceKinds.find((kind) => typeUrls[kind] === typeUrl);
}

/** Undefined for a type that is not served. */
export function servedKindOf(typeUrl: string): ServedKind | undefined {
  return servedKinds.find((kind) => typeUrls[kind] === typeUrl);
}
