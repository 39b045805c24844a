import type { JsonObject } from '@bufbuild/protobuf';
import type { UpstreamTls } from '@inmesh/core';
import { describe, expect, it } from 'vitest';
import { clusterMessage, problemsOf } from '../../test/fixtures.js';
import { read, typed } from '../../test/inbound-fixtures.js';
import {
  type Cluster_TransportSocketMatch,
  Cluster_TransportSocketMatchSchema,
  TransportSocketSchema,
  UpstreamTlsContextSchema,
} from '../messages.js';
import { decodeCluster } from './decode-cluster.js';

const context = (common: JsonObject, more: JsonObject = {}) =>
  typed('envoy.transport_sockets.tls', UpstreamTlsContextSchema, { commonTlsContext: common, ...more });

const mesh: JsonObject = {
  alpnProtocols: ['istio-peer-exchange', 'istio'],
  tlsParams: { tlsMinimumProtocolVersion: 'TLSv1_2', tlsMaximumProtocolVersion: 'TLSv1_3' },
  tlsCertificateSdsSecretConfigs: [{ name: 'default', sdsConfig: { ads: {} } }],
  combinedValidationContext: {
    defaultValidationContext: { matchSubjectAltNames: [{ exact: 'spiffe://cluster.local/ns/a/sa/b' }] },
    validationContextSdsSecretConfig: { name: 'ROOTCA' },
  },
};

const meshContext = context(mesh, { sni: 'outbound_.80_._.a' });

const meshTls: UpstreamTls = {
  certificate: { kind: 'workload' },
  trust: { kind: 'workload' },
  sni: 'outbound_.80_._.a',
  subjectAltNames: [{ kind: 'exact', value: 'spiffe://cluster.local/ns/a/sa/b', ignoreCase: false }],
  skipVerify: false,
};

const raw: JsonObject = { name: 'envoy.transport_sockets.raw_buffer' };

const socket = (json: JsonObject) => read(TransportSocketSchema, json);
const decodeSocket = (json: JsonObject) => decodeCluster(clusterMessage('c', { transportSocket: socket(json) }));

function decodeMatches(...matches: JsonObject[]) {
  const transportSocketMatches = matches.map(
    (json): Cluster_TransportSocketMatch => read(Cluster_TransportSocketMatchSchema, json),
  );
  return decodeCluster(clusterMessage('c', { transportSocketMatches }));
}

function transportOf(result: ReturnType<typeof decodeCluster>) {
  if (!result.ok) throw new Error(problemsOf(result).join('\n'));
  return result.value.transport;
}

const tlsOf = (common: JsonObject) => {
  const transport = transportOf(decodeSocket(context(common)));
  return transport.kind === 'tls' ? transport.tls : undefined;
};

const istioMatch = { name: 'tlsMode-istio', match: { tlsMode: 'istio' }, transportSocket: meshContext };
const otherMatch = { name: 'tlsMode-disabled', match: {}, transportSocket: raw };

describe('the transport of a cluster', () => {
  it('is plain text without a socket and with a raw one', () => {
    expect(transportOf(decodeCluster(clusterMessage('c')))).toEqual({ kind: 'plaintext' });
    expect(transportOf(decodeSocket(raw))).toEqual({ kind: 'plaintext' });
  });

  it('is mutual TLS of the mesh, as istiod writes it', () => {
    expect(transportOf(decodeSocket(meshContext))).toEqual({ kind: 'tls', tls: meshTls });
  });

  it('is TLS by endpoint, as istiod writes it', () => {
    expect(transportOf(decodeMatches(istioMatch, otherMatch))).toEqual({ kind: 'byEndpoint', tls: meshTls });
    expect(transportOf(decodeMatches(istioMatch))).toEqual({ kind: 'byEndpoint', tls: meshTls });
  });

  it('is what the first match says for all endpoints', () => {
    expect(transportOf(decodeMatches({ match: {}, transportSocket: meshContext }, otherMatch)).kind).toBe('tls');
  });

  it.each<[string, JsonObject[], string]>([
    [
      'clear text to those of the mesh alone',
      [{ ...istioMatch, transportSocket: raw }, { transportSocket: meshContext }],
      'only endpoints with',
    ],
    ['TLS of two kinds', [istioMatch, { transportSocket: context(mesh) }], 'only endpoints with'],
    ['another label', [{ match: { stage: 'a' }, transportSocket: meshContext }], 'match: is not supported'],
    ['a socket without a configuration', [{ transportSocket: { name: 'tls' } }], '"tls" has no configuration'],
  ])('is refused with %s', (_, matches, expected) => {
    expect(problemsOf(decodeMatches(...matches)).join('; ')).toContain(expected);
  });
});

const anyOf = { validationContext: { systemRootCerts: {} } };

describe('the certificate that is shown', () => {
  it.each<[JsonObject, UpstreamTls['certificate']]>([
    [{}, undefined],
    [{ tlsCertificateSdsSecretConfigs: [{ name: 'default' }] }, { kind: 'workload' }],
    [{ tlsCertificateProviderInstance: { instanceName: 'default' } }, { kind: 'workload' }],
    [
      { tlsCertificateSdsSecretConfigs: [{ name: 'file-cert:/a/cert.pem~/a/key.pem' }] },
      { kind: 'files', certificateChain: '/a/cert.pem', privateKey: '/a/key.pem' },
    ],
    [
      { tlsCertificates: [{ certificateChain: { filename: '/c' }, privateKey: { filename: '/k' } }] },
      { kind: 'files', certificateChain: '/c', privateKey: '/k' },
    ],
    [
      { tlsCertificateSdsSecretConfigs: [{ name: 'kubernetes://client' }] },
      { kind: 'secret', name: 'kubernetes://client' },
    ],
  ])('names the certificate that is shown: %j', (common, expected) => {
    expect(tlsOf({ ...common, ...anyOf })?.certificate).toEqual(expected);
  });

  it.each<[JsonObject, string]>([
    [{ tlsCertificateSdsSecretConfigs: [{ name: '' }] }, 'name: must not be empty'],
    [{ tlsCertificateSdsSecretConfigs: [{ name: 'ROOTCA' }] }, '"ROOTCA" names authorities'],
    [{ tlsCertificateSdsSecretConfigs: [{ name: 'file-cert:/a' }] }, 'should be "file-cert:CERTIFICATE~KEY"'],
    [{ tlsCertificateSdsSecretConfigs: [{ name: 'default' }, { name: 'x' }] }, 'names several certificates'],
    [{ tlsCertificateProviderInstance: { instanceName: 'x' } }, 'instance_name: is unknown'],
    [{ tlsCertificates: [{ certificateChain: { inlineString: 'x' } }] }, 'certificate_chain: should be the "filename"'],
    [{ tlsCertificates: [{ pkcs12: { filename: 'x' } }] }, 'pkcs12: is not supported'],
  ])('is refused: %j', (common, expected) => {
    expect(problemsOf(decodeSocket(context({ ...common, ...anyOf }))).join('; ')).toContain(expected);
  });
});

describe('whose certificates are taken', () => {
  it.each<[JsonObject, UpstreamTls['trust']]>([
    [{ validationContextSdsSecretConfig: { name: 'ROOTCA' } }, { kind: 'workload' }],
    [{ validationContextSdsSecretConfig: { name: 'file-root:/ca.pem' } }, { kind: 'file', authorities: '/ca.pem' }],
    [{ validationContextSdsSecretConfig: { name: 'file-root:system' } }, { kind: 'system' }],
    [
      { validationContextSdsSecretConfig: { name: 'kubernetes://c-cacert' } },
      { kind: 'secret', name: 'kubernetes://c-cacert' },
    ],
    [{ validationContext: { systemRootCerts: {} } }, { kind: 'system' }],
    [{ validationContextSdsSecretConfig: { name: 'invalid://no ca' } }, { kind: 'nobody', reason: 'no ca' }],
    [{ validationContext: { trustedCa: { filename: '/ca.pem' } } }, { kind: 'file', authorities: '/ca.pem' }],
    [{ validationContext: { caCertificateProviderInstance: { instanceName: 'default' } } }, { kind: 'workload' }],
  ])('names whose certificates are taken: %j', (common, expected) => {
    expect(tlsOf(common)).toMatchObject({ trust: expected, skipVerify: false });
  });

  it('is anybody only where that is said', () => {
    expect(tlsOf({ validationContext: { trustChainVerification: 'ACCEPT_UNTRUSTED' } })?.skipVerify).toBe(true);
    expect(problemsOf(decodeSocket(context({})))[0]).toContain('names no authorities');
    expect(problemsOf(decodeSocket(context({ validationContext: {} })))[0]).toContain('names no authorities');
  });

  it('is whoever has one of some names', () => {
    const matchTypedSubjectAltNames: JsonObject[] = [
      { sanType: 'URI', matcher: { prefix: 'spiffe://a/' } },
      { sanType: 'DNS', matcher: { exact: 'A.example' } },
      { sanType: 'DNS', matcher: { suffix: '.example' } },
    ];
    expect(tlsOf({ validationContext: { systemRootCerts: {}, matchTypedSubjectAltNames } })).toMatchObject({
      subjectAltNames: [
        { kind: 'prefix', value: 'spiffe://a/', ignoreCase: false },
        { kind: 'suffix', value: '.example', ignoreCase: false },
      ],
      dnsNames: ['a.example'],
    });
  });

  it.each<[JsonObject, string]>([
    [{ trustedCa: { inlineString: 'x' } }, 'trusted_ca: should be the "filename" of a PEM file'],
    [{ trustedCa: { filename: 'x' }, systemRootCerts: {} }, 'names authorities twice'],
    [{ caCertificateProviderInstance: { instanceName: 'x' } }, 'instance_name: is unknown'],
    [{ systemRootCerts: {}, matchTypedSubjectAltNames: [{ sanType: 'EMAIL', matcher: { exact: 'a' } }] }, 'san_type'],
    [{ systemRootCerts: {}, matchTypedSubjectAltNames: [{ sanType: 'URI' }] }, 'matcher: is missing'],
    [{ systemRootCerts: {}, matchSubjectAltNames: [{}] }, 'match_pattern: is missing'],
    [{ systemRootCerts: {}, allowExpiredCertificate: true }, 'allow_expired_certificate: is not supported'],
    [{ systemRootCerts: {}, crl: { filename: 'x' } }, 'crl: is not supported'],
    [{ systemRootCerts: {}, verifyCertificateHash: ['x'] }, 'verify_certificate_hash: is not supported'],
    [{ systemRootCerts: {}, customValidatorConfig: { name: 'x' } }, 'custom_validator_config: is not supported'],
  ])('is refused: %j', (validationContext, expected) => {
    expect(problemsOf(decodeSocket(context({ validationContext }))).join('; ')).toContain(expected);
  });

  it.each<[JsonObject, string]>([
    [{ tlsMinimumProtocolVersion: 'TLSv1_3' }, 'tls_minimum_protocol_version: TLSv1_3 is not supported'],
    [{ tlsMaximumProtocolVersion: 'TLSv1_1' }, 'tls_maximum_protocol_version: must be'],
  ])('is refused with %j', (tlsParams, expected) => {
    expect(problemsOf(decodeSocket(context({ ...anyOf, tlsParams }))).join('; ')).toContain(expected);
  });

  it('is refused with authorities that are missing or named twice beside a secret', () => {
    const secret = { validationContextSdsSecretConfig: { name: 'ROOTCA' } };
    const twice = { ...secret, defaultValidationContext: { systemRootCerts: {} } };
    expect(problemsOf(decodeSocket(context({ combinedValidationContext: twice })))[0]).toContain('twice');
    expect(problemsOf(decodeSocket(context({ combinedValidationContext: {} })))[0]).toContain('is missing');
  });
});
