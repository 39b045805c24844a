import { create, fromBinary } from '@bufbuild/protobuf';
import { anyIs } from '@bufbuild/protobuf/wkt';
import { nobody } from '@inmesh/xds';
import {
  CertificateValidationContextSchema,
  type Cluster,
  type CommonTlsContext,
  DataSourceSchema,
  TransportSocketSchema,
  UpstreamTlsContextSchema,
} from '@inmesh/xds/messages';
import { socketOf } from '../../translate/security/tls-socket.js';

type Validation = CommonTlsContext['validationContextType'];

/** Where the images of Envoy and of Istio's proxy have what their system trusts. */
const systemAuthorities = '/etc/ssl/certs/ca-certificates.crt';

/** The SHA-256 of no certificate. */
const noCertificate = '0'.repeat(64);

/** The same TLS in words that Envoy acts on. */
export function asEnvoySocket(cluster: Cluster): Cluster {
  const config = cluster.transportSocket?.configType;
  if (config?.case !== 'typedConfig' || !anyIs(config.value, UpstreamTlsContextSchema)) return cluster;
  const { sni, commonTlsContext } = fromBinary(UpstreamTlsContextSchema, config.value.value);
  const validation = commonTlsContext && validationFor(commonTlsContext.validationContextType);
  if (validation === undefined) return cluster;
  const socket = socketOf(sni, { ...commonTlsContext!, validationContextType: validation });
  return { ...cluster, transportSocket: create(TransportSocketSchema, socket) };
}

function validationFor({ case: kind, value }: Validation): Validation | undefined {
  // Envoy reads no `system_root_certs`: it would take any certificate.
  if (kind === 'validationContext' && value.systemRootCerts !== undefined) {
    const { systemRootCerts: _, ...rest } = value;
    return { case: kind, value: { ...rest, trustedCa: systemFile } };
  }
  // It would wait for the secret with all that comes after the cluster.
  if (kind === 'validationContextSdsSecretConfig' && value.name.startsWith(nobody)) {
    const refused = create(CertificateValidationContextSchema, { verifyCertificateHash: [noCertificate] });
    return { case: 'validationContext', value: refused };
  }
  return undefined;
}

const systemFile = create(DataSourceSchema, { specifier: { case: 'filename', value: systemAuthorities } });
