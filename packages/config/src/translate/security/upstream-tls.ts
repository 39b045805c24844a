import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import {
  CertificateValidationContext_TrustChainVerification,
  CertificateValidationContextSchema,
  type CommonTlsContext,
  type CommonTlsContextSchema,
  RawBufferSchema,
  type StringMatcher,
  StringMatcherSchema,
} from '@inmesh/xds/messages';
import type { TlsSettings } from '../../schema/destination-rule.js';
import { isWildcard } from '../hosts.js';
import type { MeshPort, MeshService } from '../mesh-service.js';
import type { ClusterPolicy } from '../traffic-policy.js';
import { backendSocket } from './backend-socket.js';
import { isByEndpoint, meshTlsMatch } from './mesh-tls.js';
import { socketOf } from './tls-socket.js';
import { secret, validationBy, workloadCertificates, workloadValidation } from './workload-secrets.js';

export interface TlsOfCluster {
  readonly service: MeshService;
  readonly port: MeshPort;
  readonly subset: string;
  readonly policy: ClusterPolicy;
  /** Whether any endpoint takes the TLS of the mesh. */
  readonly hasMeshTls: boolean;
  readonly trustDomain: string;
}

type CommonTls = Exclude<MessageInitShape<typeof CommonTlsContextSchema>, CommonTlsContext>;

/** How endpoints are connected to; empty for plain text (istiod, cluster_tls.go). */
export function transportFields(source: TlsOfCluster) {
  const { service, policy, hasMeshTls } = source;
  if (isByEndpoint(service, policy)) {
    return hasMeshTls ? { transportSocketMatches: socketMatches(source) } : {};
  }
  const { tls, backendTls } = policy;
  if (backendTls !== undefined) return { transportSocket: backendSocket(backendTls, source.port) };
  switch (tls?.mode ?? 'DISABLE') {
    case 'DISABLE':
      return {};
    case 'ISTIO_MUTUAL':
      return { transportSocket: meshSocket(source) };
    case 'SIMPLE':
    case 'MUTUAL':
      return { transportSocket: ownSocket(source, tls ?? {}) };
  }
}

function socketMatches(source: TlsOfCluster) {
  const value = anyPack(RawBufferSchema, create(RawBufferSchema));
  const configType = { case: 'typedConfig', value } as const;
  return [
    { name: 'tlsMode-istio', match: meshTlsMatch, transportSocket: meshSocket(source) },
    {
      name: 'tlsMode-disabled',
      match: {},
      transportSocket: { name: 'envoy.transport_sockets.raw_buffer', configType },
    },
  ];
}

/** By the workload's own certificate, to whoever is one of the expected service accounts. */
function meshSocket(source: TlsOfCluster) {
  const { service, port, subset, policy } = source;
  const { sni = `outbound_.${port.number}_.${subset}_.${service.host}`, subjectAltNames = [] } = policy.tls ?? {};
  const names = subjectAltNames.length > 0 ? subjectAltNames : expectedNames(source);
  return socketOf(sni, {
    ...workloadCertificates(),
    ...workloadValidation(names.map(exactly)),
    alpnProtocols: port.protocol === 'http2' ? ['istio', 'h2'] : ['istio'],
  });
}

/** Those of the entry, and the identities of all endpoints of the port, whatever the subset. */
function expectedNames({ service, port, trustDomain }: TlsOfCluster): string[] {
  const identities = port.endpoints.flatMap(({ identity }) =>
    identity === undefined ? [] : [`spiffe://${trustDomain}/ns/${identity.namespace}/sa/${identity.serviceAccount}`],
  );
  return [...new Set([...(service.subjectAltNames ?? []), ...identities])].sort();
}

/** By certificates that the rule itself names. */
function ownSocket({ service, port }: TlsOfCluster, tls: TlsSettings) {
  const names = tls.subjectAltNames?.length ? tls.subjectAltNames : (service.subjectAltNames ?? []);
  return socketOf(tls.sni ?? (isWildcard(service.host) ? '' : service.host), {
    ...(tls.mode === 'MUTUAL' && certificatesOf(tls)),
    ...(tls.insecureSkipVerify === true ? anyCertificate() : validationOf(tls, names.map(exactly))),
    ...(port.protocol === 'http2' && { alpnProtocols: ['h2'] }),
  });
}

function certificatesOf({ credentialName, clientCertificate, privateKey }: TlsSettings): CommonTls {
  if (credentialName !== undefined) {
    return { tlsCertificateSdsSecretConfigs: [secret(`kubernetes://${credentialName}`)] };
  }
  // Refused already.
  if (clientCertificate === undefined || privateKey === undefined) return {};
  return { tlsCertificates: [{ certificateChain: fileOf(clientCertificate), privateKey: fileOf(privateKey) }] };
}

/** Without authorities of its own, those that the system trusts. */
function validationOf({ credentialName, caCertificates }: TlsSettings, names: readonly StringMatcher[]): CommonTls {
  if (credentialName !== undefined) return validationBy(`kubernetes://${credentialName}-cacert`, names);
  const value = create(CertificateValidationContextSchema, {
    ...(caCertificates === undefined || caCertificates === 'system'
      ? { systemRootCerts: {} }
      : { trustedCa: fileOf(caCertificates) }),
    matchSubjectAltNames: [...names],
  });
  return { validationContextType: { case: 'validationContext', value } };
}

/** istiod leaves out the whole check; here it is said, so that it is not taken for a mistake. */
function anyCertificate(): CommonTls {
  const trustChainVerification = CertificateValidationContext_TrustChainVerification.ACCEPT_UNTRUSTED;
  return { validationContextType: { case: 'validationContext', value: { trustChainVerification } } };
}

function fileOf(path: string) {
  return { specifier: { case: 'filename', value: path } } as const;
}

function exactly(value: string): StringMatcher {
  return create(StringMatcherSchema, { matchPattern: { case: 'exact', value } });
}
