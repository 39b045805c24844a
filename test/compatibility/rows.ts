import { bootstrapFields, staticResourceFields } from '../../packages/config/src/envoy/bootstrap.js';
import type { AnyField, Fields } from '../../packages/config/src/schema/field.js';
import { translatedKinds } from '../../packages/config/src/schema/kinds.js';

export interface Row {
  /** `VirtualService`, or the full name of an Envoy message. */
  readonly owner: string;
  /** `spec.http[].match[].uri.exact`. */
  readonly field: string;
  readonly support: 'supported' | 'partly' | 'not';
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
    case 'word':
      return [wordRow(owner, field.words, path)];
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

export function allRows(): Row[] {
  return [...kindRows(), ...bootstrapRows()];
}
