import type { Row } from './rows.js';

/** The test that shows what becomes of some fields. */
export interface Evidence {
  readonly owner: string;
  /** Fields from here down: `spec.http[].match` stands for everything below it. The longest one that fits counts. */
  readonly fields: string;
  readonly file: string;
  /** Stands in the file as it is here. */
  readonly title: string;
}

export const evidence: readonly Evidence[] = [];

export function evidenceOf({ owner, field }: Row): Evidence | undefined {
  let best: Evidence | undefined;
  for (const one of evidence) {
    const fits = one.owner === owner && startsWithPath(field, one.fields);
    if (fits && (best === undefined || one.fields.length > best.fields.length)) best = one;
  }
  return best;
}

function startsWithPath(field: string, path: string): boolean {
  return path === '' || field === path || (field.startsWith(path) && /[.[]/.test(field[path.length]!));
}
