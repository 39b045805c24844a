import type { Place } from '../../place.js';
import type { BackendTlsPolicy, TargetRef, TlsValidation } from '../../schema/backend-tls-policy.js';

/** Finds what each field by itself cannot tell to be a mistake: the API server knows these rules, a folder does not. */
export function checkBackendTls({ spec }: BackendTlsPolicy, place: Place): void {
  checkTargets(spec.targetRefs, place.at('spec', 'targetRefs'));
  checkTrust(spec.validation, place.at('spec', 'validation'));
  checkNames(spec.validation, place.at('spec', 'validation', 'subjectAltNames'));
}

function checkTargets(refs: readonly TargetRef[], place: Place): void {
  const seen = new Set<string>();
  for (const [index, { group, kind, name, sectionName = '' }] of refs.entries()) {
    const key = [group, kind, name, sectionName].join('/');
    if (seen.has(key)) place.at(index).error('names the same target as another one', 'give each a sectionName');
    seen.add(key);
  }
}

function checkTrust({ caCertificateRefs = [], wellKnownCACertificates = '' }: TlsValidation, place: Place): void {
  const [byRefs, byName] = [caCertificateRefs.length > 0, wellKnownCACertificates !== ''];
  if (byRefs && byName) place.error('only one of caCertificateRefs, wellKnownCACertificates may be given');
  if (byRefs || byName) return;
  const hint = 'give caCertificateRefs, or wellKnownCACertificates: System';
  place.error('names no authorities: nobody could be trusted', hint);
}

function checkNames({ subjectAltNames = [] }: TlsValidation, place: Place): void {
  for (const [index, { type, hostname = '', uri = '' }] of subjectAltNames.entries()) {
    const at = place.at(index);
    const [wanted, other] = type === 'Hostname' ? (['hostname', 'uri'] as const) : (['uri', 'hostname'] as const);
    const given = { hostname, uri };
    if (given[wanted] === '') at.at(wanted).error(`is missing: the type is ${type}`);
    if (given[other] !== '') at.at(other).error(`may not be given: the type is ${type}`);
  }
}
