import type { Cluster as ClusterModel } from '@inmesh/core';
import type { Cluster } from '../messages.js';
import { decodeCircuitBreakers } from './decode-circuit-breakers.js';
import { decodeDiscovery } from './decode-cluster-discovery.js';
import { decodeMaxRequestsPerConnection } from './decode-http-protocol-options.js';
import { decodeLoadBalancer } from './decode-load-balancer.js';
import type { DecodeResult } from './decode-result.js';
import { deepFreeze } from './deep-freeze.js';
import { decodePositiveDuration } from './durations.js';
import { FieldScope } from './field-scope.js';
import { warnIgnored } from './ignored-fields.js';
import { serviceOf } from './istio-metadata.js';
import { checkTransportSocket } from './transport-sockets.js';

/** Envoy's default (cluster.proto `connect_timeout`). */
const defaultConnectTimeoutMs = 5000;

/** Reads a cluster: where its endpoints come from, how they are chosen, and its limits (Envoy cluster.proto). */
export function decodeCluster(message: Cluster): DecodeResult<ClusterModel> {
  return FieldScope.collect((at) => {
    if (message.name === '') at.field('name').error('must not be empty');
    checkTransportSocket(message, at);
    warnIgnored(at, {
      outlier_detection: message.outlierDetection,
      health_checks: message.healthChecks,
      lb_subset_config: message.lbSubsetConfig,
      filters: message.filters,
    });
    const { circuitBreakers, retryBudget } = decodeCircuitBreakers(
      message.circuitBreakers,
      at.field('circuit_breakers'),
    );
    const discovery = decodeDiscovery(message, at);
    return (
      discovery &&
      deepFreeze<ClusterModel>({
        name: message.name,
        discovery,
        loadBalancer: decodeLoadBalancer(message, at),
        connectTimeoutMs: decodePositiveDuration(
          message.connectTimeout,
          defaultConnectTimeoutMs,
          at.field('connect_timeout'),
        ),
        circuitBreakers: { default: circuitBreakers, high: circuitBreakers },
        retryBudget,
        outlierDetection: undefined,
        panicThresholdPercent: 50,
        localityWeighted: false,
        connectionIdleTimeoutMs: 0,
        maxConnectionDurationMs: 0,
        tcpKeepalive: undefined,
        maxRequestsPerConnection: decodeMaxRequestsPerConnection(message, at),
        service: serviceOf(message.metadata),
      })
    );
  });
}
