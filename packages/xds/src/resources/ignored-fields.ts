import type { FieldScope } from './field-scope.js';

/**
 * Warns of every field that is set and that the mesh does not act on yet. Only for fields without which a request still
 * goes where it should; the others are errors.
 * @param fields by proto name; an empty list counts as not set
 */
export function warnIgnored(at: FieldScope, fields: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(fields)) {
    if (isSet(value)) at.field(name).warn('is not supported yet: ignored');
  }
}

/** As `warnIgnored`, for fields that change where a request goes or what it asks for. */
export function refuse(at: FieldScope, fields: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(fields)) {
    if (isSet(value)) at.field(name).error('is not supported yet');
  }
}

function isSet(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== '' && value !== false;
}
