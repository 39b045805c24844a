import { create } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import {
  type Cluster,
  Cluster_DiscoveryType,
  Cluster_LbPolicy,
  ClusterHttpProtocolOptionsSchema,
  ClusterSchema,
} from '@inmesh/xds/messages';

/** Where a connection was going before it was redirected. The two names are Istio's. */
export const passthroughCluster = 'PassthroughCluster';

/** Nowhere. */
export const blackHoleCluster = 'BlackHoleCluster';

const unlimited = 0xffff_ffff;
const connectTimeout = { seconds: 10n, nanos: 0 };

export function buildPassthrough(): Cluster {
  return create(ClusterSchema, {
    name: passthroughCluster,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.ORIGINAL_DST },
    lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
    connectTimeout,
    circuitBreakers: {
      thresholds: [
        { maxConnections: unlimited, maxPendingRequests: unlimited, maxRequests: unlimited, maxRetries: unlimited },
      ],
    },
    typedExtensionProtocolOptions: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': anyPack(ClusterHttpProtocolOptionsSchema, asSpoken()),
    },
  });
}

export function buildBlackHole(): Cluster {
  return create(ClusterSchema, {
    name: blackHoleCluster,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.STATIC },
    connectTimeout,
  });
}

/** HTTP/2 to a host that nothing is known of stays HTTP/2. */
function asSpoken() {
  return create(ClusterHttpProtocolOptionsSchema, {
    upstreamProtocolOptions: {
      case: 'useDownstreamProtocolConfig',
      value: { httpProtocolOptions: {}, http2ProtocolOptions: {} },
    },
  });
}
