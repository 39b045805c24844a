import type { Evidence } from './evidence.js';

const authorization = 'packages/config/src/translate/security/authorization.test.ts';
const authentication = 'packages/config/src/translate/security/authentication.test.ts';
const upstreamTls = 'packages/config/src/translate/security/upstream-tls.test.ts';

/** Of the kinds that say who may call whom, and by which certificates. */
export const policyEvidence: readonly Evidence[] = [
  {
    owner: 'AuthorizationPolicy',
    fields: 'spec.selector',
    file: authorization,
    title: '%s are for a workload, or not',
  },
  {
    owner: 'AuthorizationPolicy',
    fields: 'spec.action',
    file: authorization,
    title: 'deny before others allow, and note before both',
  },
  {
    owner: 'AuthorizationPolicy',
    fields: 'spec.provider',
    file: authorization,
    title: 'asks about the requests that it matches',
  },
  {
    owner: 'AuthorizationPolicy',
    fields: 'spec.rules[].from',
    file: authorization,
    title: 'with %s, and a request %j: %s',
  },
  {
    owner: 'AuthorizationPolicy',
    fields: 'spec.rules[].to',
    file: authorization,
    title: 'with %s, and a request %j: %s',
  },
  {
    owner: 'AuthorizationPolicy',
    fields: 'spec.rules[].when',
    file: authorization,
    title: 'on %s, %s, and a request %j: %s',
  },
  {
    owner: 'IstioOperator',
    fields: 'spec.meshConfig.extensionProviders',
    file: authorization,
    title: 'has to ask a host that is known, on a port of it',
  },
  {
    owner: 'IstioOperator',
    fields: 'spec.meshConfig.pathNormalization',
    file: authorization,
    title: 'Paths are normalised as the mesh says: %s',
  },
  {
    owner: 'PeerAuthentication',
    fields: 'spec.selector',
    file: authentication,
    title: 'counts before those further away, unless it is UNSET',
  },
  { owner: 'PeerAuthentication', fields: 'spec.mtls', file: authentication, title: 'of mode %s takes %j' },
  {
    owner: 'PeerAuthentication',
    fields: 'spec.portLevelMtls',
    file: authentication,
    title: 'may say something else of ports of the workload',
  },
  {
    owner: 'RequestAuthentication',
    fields: 'spec.selector',
    file: authorization,
    title: '%s are for a workload, or not',
  },
  {
    owner: 'RequestAuthentication',
    fields: 'spec.jwtRules',
    file: authentication,
    title: 'says where tokens are, and what becomes of them',
  },
  {
    owner: 'DestinationRule',
    fields: 'spec.trafficPolicy.tls',
    file: upstreamTls,
    title: 'of mode MUTUAL shows the certificate of its files or of a Secret',
  },
  {
    owner: 'DestinationRule',
    fields: 'spec.trafficPolicy.tls.mode',
    file: upstreamTls,
    title: 'of mode ISTIO_MUTUAL speaks mutual TLS to all',
  },
  {
    owner: 'DestinationRule',
    fields: 'spec.trafficPolicy.tls.insecureSkipVerify',
    file: upstreamTls,
    title: 'may look at no certificate, which is warned of',
  },
  {
    owner: 'ServiceEntry',
    fields: 'spec.location',
    file: upstreamTls,
    title: 'hosts outside of the mesh are spoken to in plain text, those inside by their names',
  },
  {
    owner: 'ServiceEntry',
    fields: 'spec.subjectAltNames',
    file: upstreamTls,
    title: 'hosts outside of the mesh are spoken to in plain text, those inside by their names',
  },
  { owner: 'Pod', fields: 'spec', file: upstreamTls, title: 'the identities of all endpoints are expected' },
];
