import type { Memory } from '../../memory.js';
import type { Place } from '../../place.js';
import type { ReadObject } from '../../read-objects.js';
import type { BackendTlsPolicy, ConfigMap, TlsValidation } from '../../schema/backend-tls-policy.js';
import { authoritiesOf, type Unusable } from './authorities.js';
import type { BackendTls, BackendTrust } from './backend-tls.js';
import { checkBackendTls } from './check-backend-tls.js';

type Policy = ReadObject<BackendTlsPolicy>;

/** @param named the ConfigMap of each reference, undefined where there is none */
export function readPolicy(
  policy: Policy,
  named: readonly (ReadObject<ConfigMap> | undefined)[],
  memory: Memory,
): BackendTls {
  const { body, place } = policy;
  const { validation } = body.spec;
  checkBackendTls(body, place);
  return { sni: validation.hostname, ...namesOf(validation), trust: trustOf(policy, named, memory), place };
}

/** Where names are given, the host is sent and not compared. */
function namesOf({ hostname, subjectAltNames = [] }: TlsValidation): Pick<BackendTls, 'dnsNames' | 'uris'> {
  if (subjectAltNames.length === 0) return { dnsNames: [hostname], uris: [] };
  return {
    dnsNames: subjectAltNames.flatMap(({ type, hostname: name }) => (type === 'Hostname' && name ? [name] : [])),
    uris: subjectAltNames.flatMap(({ type, uri }) => (type === 'URI' && uri ? [uri] : [])),
  };
}

function trustOf(
  { body, namespace, name, place }: Policy,
  named: readonly (ReadObject<ConfigMap> | undefined)[],
  memory: Memory,
): BackendTrust {
  const { caCertificateRefs: refs = [], wellKnownCACertificates } = body.spec.validation;
  if (refs.length === 0 && wellKnownCACertificates === 'System') return { kind: 'system' };
  const found: { readonly name: string; readonly certificates: string }[] = [];
  const problems: string[] = [];
  for (const [index, ref] of refs.entries()) {
    const authorities = authoritiesOf(ref, namespace, named[index], memory);
    if (authorities.ok) {
      found.push({ name: ref.name, certificates: authorities.certificates });
      continue;
    }
    problems.push(authorities.message);
    const at = place.at('spec', 'validation', 'caCertificateRefs', index, authorities.field);
    sayUnusable(authorities, refs.length === 1 ? allFail : othersCount, at);
  }
  if (found.length === 0) {
    const why = problems[0] ?? 'it names no authorities';
    return { kind: 'nobody', reason: `BackendTLSPolicy ${namespace}/${name} trusts nobody: ${why}` };
  }
  const names = found.map((one) => one.name).join('+');
  const certificates = found.map((one) => one.certificates).join('');
  return { kind: 'bundle', name: `configmap://${namespace}/${names}`, certificates };
}

function sayUnusable({ message, hint, place }: Unusable, effect: string, at: Place): void {
  const where = place === undefined ? '' : `, see ${place.reference}`;
  at.unresolved(`${message}: ${effect}${where}`, hint, 'warning');
}

const allFail = 'connections fail';
const othersCount = 'servers of these authorities are refused';
