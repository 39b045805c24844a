import type { Cluster as ClusterModel } from '@inmesh/core';
import type { Cluster, Cluster_CommonLbConfig } from '../messages.js';
import { decodeCircuitBreakers } from './decode-circuit-breakers.js';
import { decodeDiscovery } from './decode-cluster-discovery.js';
import { decodeErrorStatuses } from './decode-error-statuses.js';
import { decodeConnectionLimits, unpackHttpOptions } from './decode-http-protocol-options.js';
import { decodeLoadBalancing } from './decode-load-balancer.js';
import { decodeOutlierDetection } from './decode-outlier-detection.js';
import type { DecodeResult } from './decode-result.js';
import { decodeTcpKeepalive } from './decode-tcp-keepalive.js';
import { decodeTransport } from './decode-upstream-tls.js';
import { deepFreeze } from './deep-freeze.js';
import { decodePositiveDuration } from './durations.js';
import { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';
import { serviceOf } from './istio-metadata.js';
import { decodePercent } from './percents.js';

/** Envoy's default (cluster.proto `connect_timeout`). */
const defaultConnectTimeoutMs = 5000;

/** Envoy's default (cluster.proto `healthy_panic_threshold`). */
const defaultPanicPercent = 50;

/** Reads a cluster: where its endpoints come from, how they are chosen, and its limits (Envoy cluster.proto). */
export function decodeCluster(message: Cluster): DecodeResult<ClusterModel> {
  return FieldScope.collect((at) => {
    if (message.name === '') at.field('name').error('must not be empty');
    reportUnsupported(message, at);
    const options = unpackHttpOptions(message, at.field('typed_extension_protocol_options'));
    const { outlierDetection } = message;
    const discovery = decodeDiscovery(message, at);
    return (
      discovery &&
      deepFreeze<ClusterModel>({
        name: message.name,
        discovery,
        ...decodeLoadBalancing(message, at),
        connectTimeoutMs: decodePositiveDuration(
          message.connectTimeout,
          defaultConnectTimeoutMs,
          at.field('connect_timeout'),
        ),
        ...decodeCircuitBreakers(message.circuitBreakers, at.field('circuit_breakers')),
        outlierDetection: outlierDetection && {
          ...decodeOutlierDetection(outlierDetection, at.field('outlier_detection')),
          errorStatuses: decodeErrorStatuses(message, options, at),
        },
        panicThresholdPercent: decodePanicThreshold(message.commonLbConfig, at.field('common_lb_config')),
        ...decodeConnectionLimits(message, options, at),
        tcpKeepalive: decodeTcpKeepalive(message, at.field('upstream_connection_options')),
        service: serviceOf(message.metadata),
        transport: decodeTransport(message, at),
      })
    );
  });
}

/** Whole percents: Envoy cuts off the rest. */
function decodePanicThreshold(config: Cluster_CommonLbConfig | undefined, at: FieldScope): number {
  if (config === undefined) return defaultPanicPercent;
  reportUnsupported(config, at);
  if (config.consistentHashingLbConfig) {
    reportUnsupported(config.consistentHashingLbConfig, at.field('consistent_hashing_lb_config'));
  }
  const scope = at.field('healthy_panic_threshold');
  return Math.trunc(decodePercent(config.healthyPanicThreshold, defaultPanicPercent, scope));
}
