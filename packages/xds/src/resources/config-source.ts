import { ApiConfigSource_ApiType as ApiType, type ConfigSource } from '../messages.js';
import type { FieldScope } from './field-scope.js';

/** Of the gRPC services of a config server, of which one stream gives the same. */
const grpcTypes: readonly ApiType[] = [
  ApiType.GRPC,
  ApiType.DELTA_GRPC,
  ApiType.AGGREGATED_GRPC,
  ApiType.AGGREGATED_DELTA_GRPC,
];

/**
 * A mesh configuration comes from one stream: what a resource refers to must come from there too (gRFC A27). A server for
 * Envoy may name itself by a cluster of Envoy's bootstrap, which is taken to be the same server.
 */
export function checkConfigSource(source: ConfigSource | undefined, at: FieldScope): void {
  const specifier = source?.configSourceSpecifier;
  switch (specifier?.case) {
    case 'ads':
    case 'self':
      return;
    case 'apiConfigSource':
      if (!grpcTypes.includes(specifier.value.apiType)) break;
      at.field('api_config_source').warn('is ignored: it is asked for on the same stream as everything');
      return;
    default:
  }
  at.error('should be "ads" or "self"');
}
