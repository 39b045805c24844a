/** Says what is wrong with a value; undefined when it is right. */
export type Check<T> = (value: T) => string | undefined;

interface Kinds {
  /** `unit`: what is missing behind a bare number. */
  text: { readonly check?: Check<string> | undefined; readonly unit?: string | undefined };
  number: { readonly integer: boolean; readonly min: number; readonly max: number };
  flag: object;
  /** One of some words; what is wrong with a word that is not acted on. */
  word: { readonly words: Readonly<Record<string, Verdict | undefined>> };
  list: { readonly item: AnyField; readonly atLeast: number };
  map: { readonly value: AnyField; readonly checkKey?: Check<string> | undefined };
  /** `oneOf`: groups of fields of which one may be given. `isOpen`: others than `fields` are taken without a word. */
  object: { readonly fields: Fields; readonly oneOf: readonly (readonly string[])[]; readonly isOpen?: boolean };
  /** Taken as it is. */
  anything: { readonly check?: Check<unknown> | undefined };
  /** A field of the API that has nothing to say to a client: taken without a word, when it is of the right type. */
  unneeded: { readonly reason: string; readonly field: AnyField };
  /** A field of the API that is not acted on, which leaves traffic where it is meant to go: a warning. */
  ignored: { readonly effect: string; readonly field: AnyField | undefined };
  /** A field of the API that is not acted on, without which the object would mean something else: an error. */
  refused: { readonly effect: string };
}

export interface Verdict {
  readonly kind: 'ignored' | 'refused';
  readonly effect: string;
}

type Variant<T> = { [Kind in keyof Kinds]: { readonly kind: Kind } & Kinds[Kind] }[keyof Kinds] & {
  readonly required?: boolean;
  /** Carries the type and is never there. */
  readonly type?: T;
};

/** What a field takes, and the type of what is read from it. */
export type Field<T> = Variant<T>;
export type RequiredField<T> = Field<T> & { readonly required: true };
export type AnyField = Field<unknown>;
export type Fields = Readonly<Record<string, AnyField>>;

/** The type of what is read from a field. */
export type TypeOf<F> = F extends { readonly type?: infer T } ? Exclude<T, undefined> : never;

type RequiredKeys<F extends Fields> = {
  [Key in keyof F]: F[Key] extends { readonly required: true } ? Key : never;
}[keyof F];

export type ObjectOf<F extends Fields> = { readonly [Key in RequiredKeys<F>]: TypeOf<F[Key]> } & {
  readonly [Key in Exclude<keyof F, RequiredKeys<F>>]?: TypeOf<F[Key]> | undefined;
};

/** @param unit what to suggest behind a bare number */
export function text(check?: Check<string>, unit?: string): Field<string> {
  return { kind: 'text', check, unit };
}

/** One of some words. */
export function oneOf<const Word extends string>(...words: Word[]): Field<Word> {
  return { kind: 'word', words: Object.fromEntries(words.map((word) => [word, undefined])) };
}

/** One of some words, of which not all are acted on: `{ DISABLE: undefined, SIMPLE: refused('...') }`. */
export function words<const Words extends Readonly<Record<string, Verdict | undefined>>>(
  table: Words,
): Field<keyof Words & string> {
  return { kind: 'word', words: table };
}

export function integer(min = 0, max = 0xffff_ffff): Field<number> {
  return { kind: 'number', integer: true, min, max };
}

export function number(min: number, max: number): Field<number> {
  return { kind: 'number', integer: false, min, max };
}

export const flag: Field<boolean> = { kind: 'flag' };

export const anything: Field<unknown> = { kind: 'anything' };

/** Of more than one type. */
export function checked<T>(check: Check<unknown>): Field<T> {
  return { kind: 'anything', check };
}

export function list<T>(item: Field<T>, atLeast = 0): Field<readonly T[]> {
  return { kind: 'list', item, atLeast };
}

export function map<T>(value: Field<T>, checkKey?: Check<string>): Field<Readonly<Record<string, T>>> {
  return { kind: 'map', value, checkKey };
}

/** @param exclusive groups of fields: at most one of a group may be given */
export function object<F extends Fields>(
  fields: F,
  ...exclusive: readonly (readonly (keyof F & string)[])[]
): Field<ObjectOf<F>> {
  return { kind: 'object', fields, oneOf: exclusive };
}

/** Of an object that is mostly about other things: the fields that are acted on. */
export function openObject<F extends Fields>(fields: F): Field<ObjectOf<F>> {
  return { kind: 'object', fields, oneOf: [], isOpen: true };
}

/** @param reason why nothing follows from it */
export function unneeded(reason: string, field: AnyField): Field<never> {
  return { kind: 'unneeded', reason, field };
}

/**
 * A warning: the field is not acted on yet.
 * @param effect what follows from ignoring it
 * @param field what it takes, to find mistakes in it all the same
 */
export function ignored(effect: string, field?: AnyField): Field<never> & { readonly kind: 'ignored' } {
  return { kind: 'ignored', effect, field };
}

/**
 * An error: the field is not acted on yet.
 * @param effect what would follow from ignoring it
 */
export function refused(effect: string): Field<never> & { readonly kind: 'refused' } {
  return { kind: 'refused', effect };
}

export function required<T>(field: Field<T>): RequiredField<T> {
  return { ...field, required: true };
}
