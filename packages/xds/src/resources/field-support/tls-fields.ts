import {
  CertificateProviderPluginInstanceSchema,
  CertificateValidationContextSchema,
  Cluster_TransportSocketMatchSchema,
  CommonTlsContext_CombinedCertificateValidationContextSchema,
  CommonTlsContextSchema,
  DownstreamTlsContextSchema,
  SdsSecretConfigSchema,
  SubjectAltNameMatcherSchema,
  TlsCertificateSchema,
  TlsParametersSchema,
  TransportSocketSchema,
  UpstreamTlsContextSchema,
} from '../../messages.js';
import { ignored, type MessageSupport, ofMessage, refused, supported, unneeded } from './support.js';

const ownSuites = "Node's own are used";

const oneWay = 'certificates are verified by their chain and names only';

const onlyFiles = 'a key never stands in a configuration: name its file, or a secret';

const oldProviders = 'use the plugin instance';

/** Of envoy.extensions.transport_sockets.tls.v3. */
export const tlsFields: readonly MessageSupport[] = [
  ofMessage(TransportSocketSchema, supported('name', 'typed_config')),
  ofMessage(Cluster_TransportSocketMatchSchema, supported('match', 'transport_socket'), unneeded('a label', 'name')),
  ofMessage(
    UpstreamTlsContextSchema,
    supported('common_tls_context', 'sni'),
    refused('TLS 1.2 is used without renegotiation', 'allow_renegotiation'),
    unneeded('sessions are kept as Node does', 'max_session_keys'),
    unneeded('OpenSSL checks how a key may be used', 'enforce_rsa_key_usage'),
  ),
  ofMessage(
    DownstreamTlsContextSchema,
    supported('common_tls_context', 'require_client_certificate'),
    refused('connections are taken with and without SNI', 'require_sni'),
    unneeded('sessions are kept as Node does', 'session_ticket_keys', 'session_ticket_keys_sds_secret_config'),
    unneeded('sessions are kept as Node does', 'disable_stateless_session_resumption', 'session_timeout'),
    unneeded('sessions are kept as Node does', 'disable_stateful_session_resumption'),
    unneeded('there is one certificate', 'full_scan_certs_on_sni_mismatch'),
    refused('certificates of a mesh live shorter than OCSP would help', 'ocsp_staple_policy'),
  ),
  ofMessage(
    CommonTlsContextSchema,
    supported('tls_params', 'tls_certificates', 'tls_certificate_sds_secret_configs', 'validation_context'),
    supported('tls_certificate_provider_instance', 'validation_context_sds_secret_config'),
    supported('combined_validation_context'),
    refused(oldProviders, 'tls_certificate_certificate_provider', 'tls_certificate_certificate_provider_instance'),
    refused(oldProviders, 'validation_context_certificate_provider'),
    refused(oldProviders, 'validation_context_certificate_provider_instance'),
    refused('TLS is done by Node', 'custom_handshaker'),
    refused('keys of connections are not written', 'key_log'),
    unneeded('a connection speaks HTTP as its kind of call does', 'alpn_protocols'),
  ),
  ofMessage(
    CommonTlsContext_CombinedCertificateValidationContextSchema,
    supported('default_validation_context', 'validation_context_sds_secret_config'),
    refused(oldProviders, 'validation_context_certificate_provider'),
    refused(oldProviders, 'validation_context_certificate_provider_instance'),
  ),
  ofMessage(
    CertificateValidationContextSchema,
    supported('trusted_ca', 'ca_certificate_provider_instance', 'system_root_certs', 'trust_chain_verification'),
    supported('match_typed_subject_alt_names', 'match_subject_alt_names'),
    refused(oneWay, 'verify_certificate_spki', 'verify_certificate_hash', 'require_signed_certificate_timestamp'),
    refused(oneWay, 'crl', 'only_verify_leaf_cert_crl', 'custom_validator_config', 'max_verify_depth'),
    refused('an expired certificate proves nothing', 'allow_expired_certificate'),
    unneeded('files are watched wherever they lie', 'watched_directory'),
  ),
  ofMessage(SubjectAltNameMatcherSchema, supported('san_type', 'matcher'), refused(oneWay, 'oid')),
  ofMessage(
    TlsParametersSchema,
    supported('tls_minimum_protocol_version', 'tls_maximum_protocol_version'),
    ignored(ownSuites, 'cipher_suites', 'ecdh_curves', 'signature_algorithms'),
  ),
  ofMessage(
    TlsCertificateSchema,
    supported('certificate_chain', 'private_key'),
    refused(onlyFiles, 'pkcs12', 'private_key_provider', 'password'),
    refused(oneWay, 'ocsp_staple', 'signed_certificate_timestamp'),
    unneeded('files are watched wherever they lie', 'watched_directory'),
  ),
  ofMessage(SdsSecretConfigSchema, supported('name'), unneeded('the name says where it comes from', 'sds_config')),
  ofMessage(CertificateProviderPluginInstanceSchema, supported('instance_name', 'certificate_name')),
];
