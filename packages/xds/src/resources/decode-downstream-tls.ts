import type { InboundChain, RbacRules, StringMatcher } from '@inmesh/core';
import { DownstreamTlsContextSchema, type TransportSocket } from '../messages.js';
import { checkTlsParameters } from './check-tls-parameters.js';
import { decodeCertificate } from './decode-tls-sources.js';
import { decodeValidation, type Validation } from './decode-tls-validation.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';
import { unpackTlsContext } from './unpack-tls-context.js';

export interface DownstreamTls {
  readonly clientCertificate: InboundChain['clientCertificate'];
  /** Whose certificates are taken; undefined: all that the trust of the mesh verifies. */
  readonly peers: RbacRules | undefined;
}

/** Undefined for plain text, and with an error. */
export function decodeDownstreamTls(socket: TransportSocket | undefined, at: FieldScope): DownstreamTls | undefined {
  const message = unpackTlsContext(socket, DownstreamTlsContextSchema, at);
  if (message === undefined) return undefined;
  const scope = at.field('typed_config');
  const common = message.commonTlsContext;
  const commonScope = scope.field('common_tls_context');
  if (common === undefined) return commonScope.error('is missing');
  reportUnsupported(common, commonScope);
  checkTlsParameters(common.tlsParams, commonScope.field('tls_params'));
  if (decodeCertificate(common, commonScope)?.kind !== 'workload') {
    commonScope.error('should name the certificate "default": a workload shows its own');
  }
  const validation = decodeValidation(common, commonScope);
  if (validation !== undefined && (validation.trust?.kind !== 'workload' || validation.skipVerify)) {
    commonScope.error('should name the authorities "ROOTCA": clients are verified by the trust of the mesh');
  }
  return {
    clientCertificate: message.requireClientCertificate === true ? 'required' : 'optional',
    peers: peersOf(validation === undefined ? [] : namesOf(validation)),
  };
}

function namesOf({ subjectAltNames, dnsNames }: Validation): readonly StringMatcher[] {
  return [...subjectAltNames, ...dnsNames.map((value) => ({ kind: 'exact', value, ignoreCase: true }) as const)];
}

/** istiod names the trust domains of clients there. Only who shows a certificate is asked for its name. */
function peersOf(names: readonly StringMatcher[]): RbacRules | undefined {
  if (names.length === 0) return undefined;
  const anyone = { kind: 'authenticated', matcher: undefined } as const;
  const principals = [
    ...names.map((matcher) => ({ kind: 'authenticated', matcher }) as const),
    { kind: 'not', principal: anyone } as const,
  ];
  return { action: 'allow', policies: [{ name: 'names of clients', permissions: [{ kind: 'any' }], principals }] };
}
