import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { nobody } from '@inmesh/xds';
import {
  CertificateValidationContextSchema,
  type CommonTlsContext,
  type CommonTlsContextSchema,
  SubjectAltNameMatcher_SanType as SanType,
  type SubjectAltNameMatcherSchema,
} from '@inmesh/xds/messages';
import type { BackendTls } from '../backend-tls/backend-tls.js';
import type { MeshPort } from '../mesh-service.js';
import { socketOf } from './tls-socket.js';
import { secret } from './workload-secrets.js';

type CommonTls = Exclude<MessageInitShape<typeof CommonTlsContextSchema>, CommonTlsContext>;

/** TLS as a BackendTLSPolicy asks for it; where nobody can be trusted, still nothing else than TLS. */
export function backendSocket(tls: BackendTls, { protocol }: MeshPort) {
  return socketOf(tls.sni, { ...validationOf(tls), ...(protocol === 'http2' && { alpnProtocols: ['h2'] }) });
}

function validationOf({ trust, dnsNames, uris }: BackendTls): CommonTls {
  const matchTypedSubjectAltNames = [
    ...dnsNames.map((name) => exactly(SanType.DNS, name)),
    ...uris.map((uri) => exactly(SanType.URI, uri)),
  ];
  switch (trust.kind) {
    case 'system': {
      const value = { systemRootCerts: {}, matchTypedSubjectAltNames };
      return { validationContextType: { case: 'validationContext', value } };
    }
    case 'bundle': {
      const defaultValidationContext = create(CertificateValidationContextSchema, { matchTypedSubjectAltNames });
      const value = { defaultValidationContext, validationContextSdsSecretConfig: secret(trust.name) };
      return { validationContextType: { case: 'combinedValidationContext', value } };
    }
    case 'nobody': {
      const value = secret(`${nobody}${trust.reason}`);
      return { validationContextType: { case: 'validationContextSdsSecretConfig', value } };
    }
  }
}

function exactly(sanType: SanType, value: string): MessageInitShape<typeof SubjectAltNameMatcherSchema> {
  return { sanType, matcher: { matchPattern: { case: 'exact', value } } };
}
