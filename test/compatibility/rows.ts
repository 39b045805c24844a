import { type FieldSupport, fieldSupport } from '@inmesh/xds';
import { bootstrapFields, staticResourceFields } from '../../packages/config/src/envoy/bootstrap.js';
import type { AnyField, Fields } from '../../packages/config/src/schema/field.js';
import { ignoredKinds, translatedKinds } from '../../packages/config/src/schema/kinds.js';
import { limitsFields } from '../../packages/config/src/schema/rate-limits.js';

export interface Row {
  /** `VirtualService`, or the full name of an Envoy message. */
  readonly owner: string;
  /** `spec.http[].match[].uri.exact`. */
  readonly field: string;
  readonly support: 'supported' | 'partly' | 'not' | 'unneeded';
  /** What the loader says of it; empty where it is supported. */
  readonly reason: string;
}

/** The fields of every kind that is translated, from the tables that the loader itself reads by. */
export function kindRows(): Row[] {
  return Object.entries(translatedKinds).flatMap(([kind, { fields }]) => fieldRows(kind, fields, ''));
}

export function fieldRows(owner: string, fields: Fields, path: string): Row[] {
  return Object.entries(fields).flatMap(([name, field]) =>
    rowsOf(owner, field, path === '' ? name : `${path}.${name}`),
  );
}

function rowsOf(owner: string, field: AnyField, path: string): Row[] {
  switch (field.kind) {
    case 'object':
      return fieldRows(owner, field.fields, path);
    case 'list':
      return rowsOf(owner, field.item, `${path}[]`);
    case 'map':
      return rowsOf(owner, field.value, `${path}.*`);
    case 'ignored':
      return [{ owner, field: path, support: 'not', reason: `ignored: ${field.effect}` }];
    case 'refused':
      return [{ owner, field: path, support: 'not', reason: `an error: ${field.effect}` }];
    case 'unneeded':
      return [{ owner, field: path, support: 'unneeded', reason: field.reason }];
    case 'word':
      return [wordRow(owner, field.words, path)];
    case 'anything':
      if (field.check !== undefined) return [{ owner, field: path, support: 'supported', reason: '' }];
      return [{ owner, field: path, support: 'unneeded', reason: 'says nothing of where a call goes' }];
    default:
      return [{ owner, field: path, support: 'supported', reason: '' }];
  }
}

type Words = Extract<AnyField, { kind: 'word' }>['words'];

function wordRow(owner: string, words: Words, path: string): Row {
  const verdicts = Object.entries(words).flatMap(([word, verdict]) =>
    verdict === undefined ? [] : [{ word, verdict }],
  );
  if (verdicts.length === 0) return { owner, field: path, support: 'supported', reason: '' };
  const reasons = verdicts.map(
    ({ word, verdict }) => `${word} ${verdict.kind === 'ignored' ? 'is ignored' : 'is an error'}: ${verdict.effect}`,
  );
  const support = verdicts.length === Object.keys(words).length ? 'not' : 'partly';
  return { owner, field: path, support, reason: reasons.join('; ') };
}

/** Envoy's bootstrap beside its listeners and clusters. */
export function bootstrapRows(): Row[] {
  const rowsIn = (prefix: string, fields: Readonly<Record<string, string>>): Row[] =>
    Object.entries(fields).map(([name, effect]) => ({
      owner: 'Envoy bootstrap',
      field: `${prefix}${name}`,
      support: 'not',
      reason: `ignored: ${effect}`,
    }));
  return [...rowsIn('', bootstrapFields), ...rowsIn('static_resources.', staticResourceFields)];
}

/** Fields of Envoy's messages, in a file of its own or over xDS. */
export function envoyRows(): Row[] {
  return Object.entries(fieldSupport).flatMap(([owner, fields]) =>
    Object.entries(fields).map(([field, support]): Row => ({ owner, field, ...judge(support) })),
  );
}

function judge(support: FieldSupport): Pick<Row, 'support' | 'reason'> {
  if (support === 'supported') return { support, reason: '' };
  if ('ignored' in support) return { support: 'not', reason: `ignored: ${support.ignored}` };
  if ('refused' in support) return { support: 'not', reason: `an error: ${support.refused}` };
  return { support: 'unneeded', reason: support.unneeded };
}

export function allRows(): Row[] {
  return [...kindRows(), ...fieldRows('Rate limits', limitsFields, ''), ...bootstrapRows(), ...envoyRows()];
}

export function ignoredKindRows(): { kind: string; effect: string }[] {
  return Object.entries(ignoredKinds).flatMap(([group, kinds]) =>
    Object.entries(kinds).map(([kind, effect]) => ({ kind: group === '' ? kind : `${kind} (${group})`, effect })),
  );
}
