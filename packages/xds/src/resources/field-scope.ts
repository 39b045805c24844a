import type { DecodeResult, FieldError } from './decode-result.js';

/**
 * Where a decoder stands in a message, and the place to report what is wrong there. A decoder that has reported an error
 * may return any value of its type: the whole resource is dropped at the end, so that all its errors are collected first.
 */
export class FieldScope {
  /** Built on demand: a valid resource never needs its paths. */
  readonly #segment: string;
  readonly #parent: FieldScope | undefined;
  readonly #problems: { readonly errors: FieldError[]; readonly warnings: FieldError[] };

  private constructor(segment: string, parent: FieldScope | undefined) {
    this.#segment = segment;
    this.#parent = parent;
    this.#problems = parent === undefined ? { errors: [], warnings: [] } : parent.#problems;
  }

  /** Runs a decoder on a whole message and keeps its value only when it reported no error. */
  static collect<Value>(decode: (at: FieldScope) => Value | undefined): DecodeResult<Value> {
    const root = new FieldScope('', undefined);
    const value = decode(root);
    const { errors, warnings } = root.#problems;
    if (value === undefined && errors.length === 0) root.error('could not be read');
    if (value === undefined || errors.length > 0) return { ok: false, errors };
    return { ok: true, value, warnings };
  }

  /** Proto field names with indexes, e.g. `virtual_hosts[0].routes[2].match`; empty for the message itself. */
  get path(): string {
    const before = this.#parent?.path ?? '';
    const dot = before === '' || this.#segment.startsWith('[') ? '' : '.';
    return `${before}${dot}${this.#segment}`;
  }

  get hasErrors(): boolean {
    return this.#problems.errors.length > 0;
  }

  field(name: string): FieldScope {
    return new FieldScope(name, this);
  }

  /** Decodes the items of a repeated field; those for which nothing came out are left out. */
  each<Item, Value>(
    name: string,
    items: readonly Item[],
    decode: (item: Item, at: FieldScope, index: number) => Value | undefined,
  ): Value[] {
    const values: Value[] = [];
    for (const [index, item] of items.entries()) {
      const value = decode(item, new FieldScope(`${name}[${index}]`, this), index);
      if (value !== undefined) values.push(value);
    }
    return values;
  }

  /** The resource cannot be used. */
  error(message: string): undefined {
    this.#problems.errors.push({ path: this.path, message });
    return undefined;
  }

  /** The resource is used, without what this field asks for. */
  warn(message: string): undefined {
    this.#problems.warnings.push({ path: this.path, message });
    return undefined;
  }
}
