import { fromBinary } from '@bufbuild/protobuf';
import { anyIs } from '@bufbuild/protobuf/wkt';
import { type Cluster, type CommonTlsContext, RawBufferSchema, UpstreamTlsContextSchema } from '@inmesh/xds/messages';

/**
 * Whether gRPC can connect as the cluster says: in plain text, or by TLS with certificates of its bootstrap's providers (gRFC
 * A29). It refuses certificates by SDS, and never may plain text stand in for TLS.
 */
export function canConnect({ transportSocket }: Cluster): boolean {
  if (transportSocket === undefined || isPlain(transportSocket)) return true;
  const { configType } = transportSocket;
  if (configType.case !== 'typedConfig' || !anyIs(configType.value, UpstreamTlsContextSchema)) return false;
  const context = fromBinary(UpstreamTlsContextSchema, configType.value.value).commonTlsContext;
  return context !== undefined && isByProvider(context);
}

/**
 * gRPC for Node knows no socket but the one of TLS, and no library knows one for each endpoint: where TLS is an endpoint's own
 * choice (auto mTLS), plain text is what those without a sidecar speak.
 */
export function withoutPlainSocket(cluster: Cluster): Cluster {
  const plain = cluster.transportSocketMatches.length > 0 ? { ...cluster, transportSocketMatches: [] } : cluster;
  if (plain.transportSocket === undefined || !isPlain(plain.transportSocket)) return plain;
  const { transportSocket: _, ...rest } = plain;
  return rest;
}

function isPlain({ configType }: NonNullable<Cluster['transportSocket']>): boolean {
  return configType.case === 'typedConfig' && anyIs(configType.value, RawBufferSchema);
}

function isByProvider(context: CommonTlsContext): boolean {
  const { validationContextType: validation, tlsParams, tlsCertificates, tlsCertificateSdsSecretConfigs } = context;
  if (tlsParams !== undefined || tlsCertificates.length > 0 || tlsCertificateSdsSecretConfigs.length > 0) return false;
  const given =
    validation.case === 'validationContext'
      ? validation.value
      : validation.case === 'combinedValidationContext'
        ? validation.value.defaultValidationContext
        : undefined;
  return given?.caCertificateProviderInstance !== undefined && given.crl === undefined;
}
