import type { Cluster as ClusterModel } from '@inmesh/core';
import {
  type Cluster,
  type ClusterHttpProtocolOptions,
  ClusterHttpProtocolOptionsSchema,
  type HttpProtocolOptions,
} from '../messages.js';
import { decodeDuration } from './durations.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';
import { unpackAny } from './unpack-any.js';

const httpOptions = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** The HTTP options of a cluster and where they stand. */
export function unpackHttpOptions(
  { typedExtensionProtocolOptions: extensions }: Cluster,
  at: FieldScope,
): ClusterHttpProtocolOptions | undefined {
  for (const name of Object.keys(extensions)) {
    if (name !== httpOptions) at.field(`["${name}"]`).warn('is ignored: only HTTP has options');
  }
  const any = extensions[httpOptions];
  const options = any && unpackAny(any, ClusterHttpProtocolOptionsSchema, at);
  if (options !== undefined) reportUnsupported(options, at);
  return options;
}

type ConnectionLimits = Pick<
  ClusterModel,
  'maxRequestsPerConnection' | 'connectionIdleTimeoutMs' | 'maxConnectionDurationMs'
>;

/** The HTTP options win over the deprecated fields of the cluster, one by one (cluster.proto). */
export function decodeConnectionLimits(
  message: Cluster,
  options: ClusterHttpProtocolOptions | undefined,
  at: FieldScope,
): ConnectionLimits {
  const own = decodeCommonOptions(
    options?.commonHttpProtocolOptions,
    at.field('typed_extension_protocol_options.common_http_protocol_options'),
  );
  const deprecated = decodeCommonOptions(message.commonHttpProtocolOptions, at.field('common_http_protocol_options'));
  const limit = own.maxRequests ?? deprecated.maxRequests ?? message.maxRequestsPerConnection;
  return {
    maxRequestsPerConnection: limit === undefined || limit === 0 ? Number.POSITIVE_INFINITY : limit,
    connectionIdleTimeoutMs: own.idleMs ?? deprecated.idleMs ?? 0,
    maxConnectionDurationMs: own.durationMs ?? deprecated.durationMs ?? 0,
  };
}

function decodeCommonOptions(
  message: HttpProtocolOptions | undefined,
  at: FieldScope,
): { maxRequests?: number | undefined; idleMs?: number | undefined; durationMs?: number | undefined } {
  if (message === undefined) return {};
  reportUnsupported(message, at);
  const { idleTimeout, maxConnectionDuration } = message;
  return {
    maxRequests: message.maxRequestsPerConnection,
    idleMs: idleTimeout && decodeDuration(idleTimeout, 0, at.field('idle_timeout')),
    durationMs: maxConnectionDuration && decodeDuration(maxConnectionDuration, 0, at.field('max_connection_duration')),
  };
}
