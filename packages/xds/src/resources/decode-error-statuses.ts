import type { Cluster, ClusterHttpProtocolOptions } from '../messages.js';
import type { FieldScope } from './field-scope.js';
import { statusesOf } from './status-set.js';
import { malformed } from './unpack-any.js';
import { nestedFields, unknownMessage } from './wire-fields.js';

/** Of Envoy's `HttpProtocolOptions.outlier_detection`, which the protos of gRPC do not have. */
const outlierDetectionField = 8;

/**
 * The statuses that count against an endpoint (Istio `outlierDetectionHttpErrorCodes`); undefined for 500 to 599. They
 * stand in the HTTP options, as `outlier_detection.error_matcher`, or in the metadata, as `inmesh.outlier_error_statuses`.
 */
export function decodeErrorStatuses(
  { metadata }: Cluster,
  options: ClusterHttpProtocolOptions | undefined,
  at: FieldScope,
): readonly number[] | undefined {
  return (
    decodeErrorMatcher(options, at.field('typed_extension_protocol_options.outlier_detection.error_matcher')) ??
    decodeList(
      metadata?.filterMetadata.inmesh?.outlier_error_statuses,
      at.field('metadata.filter_metadata["inmesh"].outlier_error_statuses'),
    )
  );
}

function decodeErrorMatcher(
  options: ClusterHttpProtocolOptions | undefined,
  at: FieldScope,
): readonly number[] | undefined {
  const bytes = unknownMessage(options?.$unknown, outlierDetectionField);
  if (bytes === undefined) return undefined;
  try {
    const [matcher] = nestedFields(bytes);
    const statuses = matcher && statusesOf(matcher.bytes, at);
    return statuses && [...statuses].sort((a, b) => a - b);
  } catch (cause) {
    return at.error(malformed(cause));
  }
}

function decodeList(written: unknown, at: FieldScope): readonly number[] | undefined {
  if (written === undefined) return undefined;
  if (Array.isArray(written) && written.every(isStatus)) return written;
  return at.error('should be a list of statuses, 100 to 599');
}

function isStatus(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 100 && Number(value) <= 599;
}
