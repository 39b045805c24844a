import { type Cluster, ClusterHttpProtocolOptionsSchema } from '../messages.js';
import type { FieldScope } from './field-scope.js';
import { unpackAny } from './unpack-any.js';

const extensionName = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** Infinity for no limit: unset or 0. The HTTP options win over the deprecated field of the cluster (cluster.proto). */
export function decodeMaxRequestsPerConnection(message: Cluster, at: FieldScope): number {
  const any = message.typedExtensionProtocolOptions[extensionName];
  const options = any && unpackAny(any, ClusterHttpProtocolOptionsSchema, at.field(`typed_extension_protocol_options`));
  const limit =
    options?.commonHttpProtocolOptions?.maxRequestsPerConnection ??
    message.commonHttpProtocolOptions?.maxRequestsPerConnection ??
    message.maxRequestsPerConnection;
  return limit === undefined || limit === 0 ? Number.POSITIVE_INFINITY : limit;
}
