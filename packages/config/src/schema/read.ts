import { didYouMean } from '../nearest.js';
import { isRecord } from '../objects.js';
import type { Place } from '../place.js';
import type { AnyField, Field, Fields } from './field.js';

/**
 * Reads a value by its schema: what is unknown, not supported or of a wrong type becomes an issue and is left out.
 * Undefined when a value has a wrong type, since then the rest cannot be relied on; `null` is the same as absent.
 */
export function read<T>(value: unknown, field: Field<T>, place: Place): T | undefined {
  const reader = new Reader();
  const result = reader.read(value, field, place);
  return reader.broken ? undefined : (result as T);
}

class Reader {
  broken = false;

  read(value: unknown, field: AnyField, place: Place): unknown {
    switch (field.kind) {
      case 'text':
        return this.#readText(value, field, place);
      case 'number':
        return this.#readNumber(value, field, place);
      case 'flag':
        return typeof value === 'boolean' ? value : this.#wrongType('true or false', value, place);
      case 'word':
        return this.#readWord(value, field, place);
      case 'list':
        return this.#readList(value, field, place);
      case 'map':
        return this.#readMap(value, field, place);
      case 'object':
        return this.#readObject(value, field, place);
      case 'anything':
        return this.#readAnything(value, field, place);
      case 'unneeded':
        this.read(value, field.field, place);
        return undefined;
      case 'ignored':
        return this.#ignore(value, field, place);
      case 'refused':
        return isEmpty(value) ? undefined : place.error(`is not supported yet: ${field.effect}`);
    }
  }

  #readAnything(value: unknown, { check }: Extract<AnyField, { kind: 'anything' }>, place: Place): unknown {
    const problem = check?.(value);
    return problem === undefined ? value : this.#invalid(problem, place);
  }

  #readText(value: unknown, field: Extract<AnyField, { kind: 'text' }>, place: Place): unknown {
    const { check } = field;
    if (typeof value !== 'string') return this.#wrongType('a text', value, place, hintForText(value, field));
    const problem = check?.(value);
    return problem === undefined ? value : this.#invalid(problem, place);
  }

  #readWord(value: unknown, { words }: Extract<AnyField, { kind: 'word' }>, place: Place): unknown {
    if (typeof value !== 'string') {
      return this.#wrongType('a text', value, place, Object.hasOwn(words, String(value)) ? inQuotes(value) : undefined);
    }
    if (!Object.hasOwn(words, value)) {
      const known = Object.keys(words);
      place.error(`"${value}" is none of ${known.join(', ')}`, didYouMean(value, known));
      this.broken = true;
      return undefined;
    }
    const verdict = words[value];
    if (verdict?.kind === 'refused') place.error(`"${value}" is not supported yet: ${verdict.effect}`);
    if (verdict?.kind === 'ignored') place.warn(`"${value}" is not supported yet and ignored: ${verdict.effect}`);
    return value;
  }

  #readNumber(value: unknown, field: Extract<AnyField, { kind: 'number' }>, place: Place): unknown {
    const { integer, min, max } = field;
    const expected = integer ? 'a whole number' : 'a number';
    if (typeof value !== 'number' || Number.isNaN(value)) return this.#wrongType(expected, value, place);
    if (integer && !Number.isInteger(value)) return this.#invalid(`${value} is not a whole number`, place);
    if (value < min && min === 0) return this.#invalid(`must not be negative, is ${value}`, place);
    if (value < min || value > max) return this.#invalid(`${value} is not between ${min} and ${max}`, place);
    return value;
  }

  #readList(value: unknown, { item, atLeast }: Extract<AnyField, { kind: 'list' }>, place: Place): unknown {
    if (!Array.isArray(value)) return this.#wrongType('a list', value, place);
    if (value.length < atLeast) return this.#invalid('must not be empty', place);
    return value.map((entry, index) => this.read(entry, item, place.at(index)));
  }

  #readMap(value: unknown, field: Extract<AnyField, { kind: 'map' }>, place: Place): unknown {
    if (!isRecord(value)) return this.#wrongType('a mapping', value, place);
    const entries = Object.entries(value).filter(([, entry]) => entry !== null && entry !== undefined);
    for (const [key] of entries) {
      const problem = field.checkKey?.(key);
      if (problem !== undefined) this.#invalid(problem, place.at(key));
    }
    return Object.fromEntries(entries.map(([key, entry]) => [key, this.read(entry, field.value, place.at(key))]));
  }

  #readObject(value: unknown, field: Extract<AnyField, { kind: 'object' }>, place: Place): unknown {
    if (!isRecord(value)) return this.#wrongType('a mapping', value, place);
    const result: Record<string, unknown> = {};
    for (const [key, entry] of Object.entries(value)) {
      if (entry === null || entry === undefined) continue;
      const known = Object.hasOwn(field.fields, key) ? field.fields[key] : undefined;
      if (known === undefined) {
        if (field.isOpen !== true) sayUnknown(key, field.fields, place);
      } else result[key] = this.read(entry, known, place.at(key));
    }
    this.#checkRequired(field.fields, result, place);
    for (const names of field.oneOf) checkExclusive(names, result, place);
    return result;
  }

  #checkRequired(fields: Fields, result: Readonly<Record<string, unknown>>, place: Place): void {
    for (const [key, field] of Object.entries(fields)) {
      if (field.required && !Object.hasOwn(result, key)) this.#invalid('is missing', place.at(key));
    }
  }

  #ignore(value: unknown, { effect, field }: Extract<AnyField, { kind: 'ignored' }>, place: Place): undefined {
    if (isEmpty(value)) return undefined;
    place.warn(`is not supported yet and ignored: ${effect}`);
    // What is wrong inside is said, but nothing depends on it.
    if (field !== undefined) new Reader().read(value, field, place);
    return undefined;
  }

  #wrongType(expected: string, value: unknown, place: Place, hint?: string): undefined {
    place.error(`should be ${expected}, is ${describe(value)}`, hint);
    this.broken = true;
  }

  #invalid(problem: string, place: Place): undefined {
    place.error(problem);
    this.broken = true;
  }
}

/** Suggests nothing that would be refused in its turn. */
function hintForText(value: unknown, { check, unit }: Extract<AnyField, { kind: 'text' }>): string | undefined {
  if (!isScalar(value)) return undefined;
  if (check?.(String(value)) === undefined) return inQuotes(value);
  const withUnit = `${value}${unit}`;
  return unit === undefined || check(withUnit) !== undefined ? undefined : `did you mean ${withUnit}?`;
}

function inQuotes(value: unknown): string {
  return `put it in quotes: "${value}"`;
}

function sayUnknown(key: string, fields: Fields, place: Place): void {
  const known = Object.keys(fields);
  const hint = didYouMean(key, known);
  place.at(key).error('is not a field of this API', hint ?? `known here: ${known.join(', ')}`);
}

function checkExclusive(names: readonly string[], result: Readonly<Record<string, unknown>>, place: Place): void {
  const given = names.filter((name) => Object.hasOwn(result, name));
  if (given.length > 1) place.error(`only one of ${given.join(', ')} may be given`);
}

/** `filters: []` asks for nothing. */
function isEmpty(value: unknown): boolean {
  return Array.isArray(value) ? value.length === 0 : isRecord(value) && Object.keys(value).length === 0;
}

function isScalar(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'boolean';
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return 'a list';
  return isScalar(value)
    ? `the ${typeof value} ${value}`
    : typeof value === 'string'
      ? `the text "${value}"`
      : 'a mapping';
}
