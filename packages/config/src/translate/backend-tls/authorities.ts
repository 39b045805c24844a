import type { Memory } from '../../memory.js';
import { isRecord, labelOf } from '../../objects.js';
import { ownValue } from '../../own-value.js';
import type { Place } from '../../place.js';
import type { ReadObject } from '../../read-objects.js';
import type { CaCertificateRef, ConfigMap } from '../../schema/backend-tls-policy.js';
import { type PemResult, readCertificates } from '../../secrets/pem.js';

export type Authorities = { readonly ok: true; readonly certificates: string } | Unusable;

export interface Unusable {
  readonly ok: false;
  /** Of the reference, which one is to blame. */
  readonly field: 'kind' | 'name';
  readonly message: string;
  readonly hint?: string | undefined;
  /** Where the ConfigMap is written. */
  readonly place?: Place | undefined;
}

/** Where the Gateway API has the certificates of a ConfigMap. */
const key = 'ca.crt';

/** What a reference of a policy in this namespace leads to. @param found the ConfigMap of its name, where there is one */
export function authoritiesOf(
  { group, kind, name }: CaCertificateRef,
  namespace: string,
  found: ReadObject<ConfigMap> | undefined,
  memory: Memory,
): Authorities {
  if (kind !== 'ConfigMap' || (group !== '' && group !== 'core')) {
    const written = group === '' ? kind : `${kind} of ${group}`;
    return fail('kind', `authorities are read from a ConfigMap only, not from a ${written}`);
  }
  if (found === undefined) {
    return fail(
      'name',
      `there is no ConfigMap "${name}" in the namespace ${namespace}`,
      `make one with the key ${key}`,
    );
  }
  const read = memory.recall(found, 'authorities', [], () => readAuthorities(found.body));
  if (read.ok) return { ok: true, certificates: read.value };
  const place = found.place.at('data', key);
  return { ...fail('name', `data["${key}"] of ${labelOf(place.object)} ${read.message}`, read.hint), place };
}

function readAuthorities({ data }: ConfigMap): PemResult<string> {
  const text = isRecord(data) ? ownValue(data, key) : undefined;
  if (text === undefined || text === null || text === '') return { ok: false, message: 'is missing or empty' };
  if (typeof text !== 'string') return { ok: false, message: 'should be a text' };
  const read = readCertificates(Buffer.from(text));
  if (read.ok) return { ok: true, value: read.value.map(String).join('') };
  return { hint: 'put the certificates of the authorities there, in PEM', ...read };
}

function fail(field: 'kind' | 'name', message: string, hint?: string): Unusable {
  return { ok: false, field, message, hint };
}
