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

/** gRPC for Node knows no socket but the one of TLS. */
export function withoutPlainSocket(cluster: Cluster): Cluster {
  if (cluster.transportSocket === undefined || !isPlain(cluster.transportSocket)) return cluster;
  const { transportSocket: _, ...rest } = cluster;
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
