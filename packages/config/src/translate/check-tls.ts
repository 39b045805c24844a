import type { Place } from '../place.js';
import type { TlsSettings } from '../schema/destination-rule.js';

/** Finds what each field by itself cannot tell to be a mistake (Istio `validateTLS`). */
export function checkTls(tls: TlsSettings | undefined, place: Place): void {
  if (tls === undefined) return;
  const { credentialName, clientCertificate, privateKey, caCertificates, subjectAltNames, insecureSkipVerify } = tls;
  switch (tls.mode ?? 'DISABLE') {
    case 'DISABLE':
      return;
    case 'ISTIO_MUTUAL':
      checkUnused(tls, ['credentialName', ...files, 'insecureSkipVerify'], 'its own certificate is shown', place);
      return;
    case 'SIMPLE':
      checkUnused(tls, ['clientCertificate', 'privateKey'], 'no certificate is shown: use MUTUAL', place);
      break;
    case 'MUTUAL':
      if (credentialName === undefined && (clientCertificate === undefined || privateKey === undefined)) {
        place.error('MUTUAL needs a certificate', 'give clientCertificate and privateKey, or credentialName');
      }
  }
  if (credentialName !== undefined) {
    checkUnused(tls, files, 'credentialName names the certificates already', place);
  }
  if (insecureSkipVerify !== true) return;
  if (caCertificates !== undefined || subjectAltNames !== undefined) {
    place.at('insecureSkipVerify').error('may not stand beside caCertificates or subjectAltNames');
  } else
    place.at('insecureSkipVerify').warn('whoever answers is taken for the host, and can read and change every call');
}

const files = ['clientCertificate', 'privateKey', 'caCertificates'] as const;

function checkUnused(tls: TlsSettings, names: readonly (keyof TlsSettings)[], reason: string, place: Place): void {
  for (const name of names) {
    if (tls[name] !== undefined) place.at(name).error(`may not be given with mode ${tls.mode}: ${reason}`);
  }
}
