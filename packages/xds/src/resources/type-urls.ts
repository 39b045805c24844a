/** The type URLs of xDS v3 by which a discovery request says what it asks for. */
export const typeUrls = {
  listener: 'type.googleapis.com/envoy.config.listener.v3.Listener',
  route: 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
  cluster: 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  endpoint: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
  secret: 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret',
} as const;

/** The kinds of which a mesh configuration is made; certificates go another way. */
export type ResourceKind = Exclude<keyof typeof typeUrls, 'secret'>;

export const resourceKinds: readonly ResourceKind[] = ['cluster', 'endpoint', 'listener', 'route'];

/** Undefined for a type that is no part of a mesh configuration. */
export function kindOf(typeUrl: string): ResourceKind | undefined {
  return resourceKinds.find((kind) => typeUrls[kind] === typeUrl);
}
