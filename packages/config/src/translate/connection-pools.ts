import { create } from '@bufbuild/protobuf';
import { anyPack, type Duration } from '@bufbuild/protobuf/wkt';
import {
  type CircuitBreakers_Thresholds,
  CircuitBreakers_ThresholdsSchema,
  ClusterHttpProtocolOptionsSchema,
} from '@inmesh/xds/messages';
import { parseGoDuration } from '../durations.js';
import type { ConnectionPool, TlsSettings } from '../schema/destination-rule.js';
import type { MeshPort } from './mesh-service.js';
import type { ClusterPolicy } from './traffic-policy.js';

/** Istio writes the largest value that fits where it wants no limit. */
const unlimited = 0xffff_ffff;

/** Of the default priority: Istio leaves the high one to Envoy's defaults. */
export function buildThresholds({ connectionPool, retryBudget }: ClusterPolicy): CircuitBreakers_Thresholds {
  return create(CircuitBreakers_ThresholdsSchema, {
    maxConnections: connectionPool?.tcp?.maxConnections || unlimited,
    maxPendingRequests: connectionPool?.http?.http1MaxPendingRequests || unlimited,
    maxRequests: connectionPool?.http?.http2MaxRequests || unlimited,
    maxRetries: connectionPool?.http?.maxRetries || unlimited,
    ...(retryBudget !== undefined && {
      // Envoy's and Istio's defaults alike: a fifth of the requests, three at least.
      retryBudget: {
        budgetPercent: { value: retryBudget.percent ?? 20 },
        minRetryConcurrency: retryBudget.minRetryConcurrency ?? 3,
      },
    }),
  });
}

const protocolOptionsName = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** Left out where it would say nothing: Envoy's own default is HTTP/1.1 without a limit. */
export function protocolFields({ protocol }: MeshPort, { connectionPool, tls }: ClusterPolicy) {
  const common = commonOptions(connectionPool);
  const naming = namingOptions(tls);
  if (protocol !== 'http2' && Object.keys({ ...common, ...naming }).length === 0) return {};
  const maxConcurrentStreams = connectionPool?.http?.maxConcurrentStreams || undefined;
  const options = create(ClusterHttpProtocolOptionsSchema, {
    ...(Object.keys(common).length > 0 && { commonHttpProtocolOptions: common }),
    ...naming,
    upstreamProtocolOptions: {
      case: 'explicitHttpConfig',
      value: {
        protocolConfig:
          protocol === 'http2'
            ? { case: 'http2ProtocolOptions', value: { ...(maxConcurrentStreams && { maxConcurrentStreams }) } }
            : { case: 'httpProtocolOptions', value: {} },
      },
    },
  });
  return {
    typedExtensionProtocolOptions: { [protocolOptionsName]: anyPack(ClusterHttpProtocolOptionsSchema, options) },
  };
}

/** Where a rule says neither SNI nor names, a proxy takes the host of the call for both (istiod, `AutoSni`). */
function namingOptions(tls: TlsSettings | undefined) {
  const isOwn = tls?.mode === 'SIMPLE' || tls?.mode === 'MUTUAL';
  if (!isOwn || tls.sni !== undefined) return {};
  const autoSanValidation = tls.insecureSkipVerify !== true && (tls.subjectAltNames ?? []).length === 0;
  return { upstreamHttpProtocolOptions: { autoSni: true, autoSanValidation } };
}

function commonOptions(pool: ConnectionPool | undefined): {
  maxRequestsPerConnection?: number;
  idleTimeout?: Pick<Duration, 'seconds' | 'nanos'>;
  maxConnectionDuration?: Pick<Duration, 'seconds' | 'nanos'>;
} {
  const maxRequestsPerConnection = pool?.http?.maxRequestsPerConnection ?? 0;
  const idleTimeout = parseGoDuration(pool?.http?.idleTimeout ?? pool?.tcp?.idleTimeout ?? '');
  const maxConnectionDuration = parseGoDuration(pool?.tcp?.maxConnectionDuration ?? '');
  return {
    ...(maxRequestsPerConnection > 0 && { maxRequestsPerConnection }),
    ...(idleTimeout.ok && { idleTimeout: idleTimeout.duration }),
    ...(maxConnectionDuration.ok && { maxConnectionDuration: maxConnectionDuration.duration }),
  };
}

/** Empty where the system's own settings count. */
export function keepaliveFields({ connectionPool }: ClusterPolicy) {
  const keepalive = connectionPool?.tcp?.tcpKeepalive;
  if (keepalive === undefined) return {};
  const keepaliveTime = secondsOf(keepalive.time);
  const keepaliveInterval = secondsOf(keepalive.interval);
  return {
    upstreamConnectionOptions: {
      tcpKeepalive: {
        ...(keepalive.probes && { keepaliveProbes: keepalive.probes }),
        ...(keepaliveTime !== undefined && { keepaliveTime }),
        ...(keepaliveInterval !== undefined && { keepaliveInterval }),
      },
    },
  };
}

/** Envoy takes whole seconds. */
function secondsOf(written: string | undefined): number | undefined {
  const parsed = parseGoDuration(written ?? '');
  return parsed.ok && parsed.duration.seconds > 0n ? Number(parsed.duration.seconds) : undefined;
}
