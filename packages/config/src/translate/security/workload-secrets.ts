import { create } from '@bufbuild/protobuf';
import { ownCertificate, ownTrust } from '@inmesh/xds';
import { CertificateValidationContextSchema, SdsSecretConfigSchema, type StringMatcher } from '@inmesh/xds/messages';
import { fromAds } from '../config-source.js';

export function secret(name: string) {
  return create(SdsSecretConfigSchema, { name, sdsConfig: fromAds });
}

/** Parts of a `CommonTlsContext`: the workload shows its own certificate. */
export function workloadCertificates() {
  return { tlsCertificateSdsSecretConfigs: [secret(ownCertificate)] };
}

/** Who is at the other end has one of the mesh, with one of these names; without any every workload is taken. */
export function workloadValidation(names: readonly StringMatcher[]) {
  return validationBy(ownTrust, names);
}

/** Authorities by SDS, names as they are given. */
export function validationBy(authorities: string, names: readonly StringMatcher[]) {
  const defaultValidationContext = create(CertificateValidationContextSchema, { matchSubjectAltNames: [...names] });
  const value = { defaultValidationContext, validationContextSdsSecretConfig: secret(authorities) };
  return { validationContextType: { case: 'combinedValidationContext', value } as const };
}
