import type { CertificateSource, TrustSource } from '@inmesh/core';
import type { CommonTlsContext, DataSource, TlsCertificate } from '../messages.js';
import type { FieldScope } from './field-scope.js';
import { reportUnsupported } from './field-support.js';

/** Names of secrets that istiod gives to what it does not keep itself (istio `pkg/security/security.go`). */
export const ownCertificate = 'default';
export const ownTrust = 'ROOTCA';
const certificateFiles = 'file-cert:';
const authorityFile = 'file-root:';
const systemAuthorities = 'file-root:system';
/** Before why nobody is trusted, in the place of authorities that cannot be had (istiod `InvalidSecretTypeURI`). */
export const nobody = 'invalid://';

/** Undefined with an error, and without one where none is named. */
export function decodeCertificate(message: CommonTlsContext, at: FieldScope): CertificateSource | undefined {
  const { tlsCertificates, tlsCertificateSdsSecretConfigs, tlsCertificateProviderInstance: instance } = message;
  const found = [
    ...at.each('tls_certificates', tlsCertificates, decodeFiles),
    ...at.each('tls_certificate_sds_secret_configs', tlsCertificateSdsSecretConfigs, (config, scope) => {
      reportUnsupported(config, scope);
      return certificateNamed(config.name, scope.field('name'));
    }),
  ];
  if (instance !== undefined) {
    const scope = at.field('tls_certificate_provider_instance');
    reportUnsupported(instance, scope);
    found.push({ kind: 'workload' });
    if (instance.instanceName !== ownCertificate) scope.field('instance_name').error(unknownInstance);
  }
  if (found.length > 1) return at.error('names several certificates: one is shown');
  return found[0];
}

const unknownInstance = `is unknown: "${ownCertificate}" is this workload's own`;

function certificateNamed(name: string, at: FieldScope): CertificateSource | undefined {
  if (name === '') return at.error('must not be empty');
  if (name === ownCertificate) return { kind: 'workload' };
  if (name === ownTrust || name.startsWith(authorityFile))
    return at.error(`"${name}" names authorities, no certificate`);
  if (!name.startsWith(certificateFiles)) return { kind: 'secret', name };
  const [certificateChain = '', privateKey = '', ...others] = name.slice(certificateFiles.length).split('~');
  if (certificateChain === '' || privateKey === '' || others.length > 0) {
    return at.error(`"${name}" should be "${certificateFiles}CERTIFICATE~KEY"`);
  }
  return { kind: 'files', certificateChain, privateKey };
}

function decodeFiles(message: TlsCertificate, at: FieldScope): CertificateSource | undefined {
  reportUnsupported(message, at);
  const certificateChain = fileOf(message.certificateChain, at.field('certificate_chain'));
  const privateKey = fileOf(message.privateKey, at.field('private_key'));
  return certificateChain && privateKey ? { kind: 'files', certificateChain, privateKey } : undefined;
}

/** Neither keys nor authorities are taken from the configuration itself. */
export function fileOf(message: DataSource | undefined, at: FieldScope): string | undefined {
  if (message?.specifier.case !== 'filename' || message.specifier.value === '') {
    return at.error('should be the "filename" of a PEM file');
  }
  return message.specifier.value;
}

export function trustNamed(name: string, at: FieldScope): TrustSource | undefined {
  if (name === '') return at.error('must not be empty');
  if (name === ownTrust) return { kind: 'workload' };
  if (name === systemAuthorities) return { kind: 'system' };
  if (name.startsWith(nobody)) return { kind: 'nobody', reason: name.slice(nobody.length) };
  if (name === ownCertificate || name.startsWith(certificateFiles)) return at.error(`"${name}" names no authorities`);
  if (!name.startsWith(authorityFile)) return { kind: 'secret', name };
  const authorities = name.slice(authorityFile.length);
  return authorities === '' ? at.error(`"${name}" names no file`) : { kind: 'file', authorities };
}
