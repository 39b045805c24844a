/** One value of a JSON document that somebody wrote by hand. What is wrong with it is collected, with its path. */
export class JsonField {
  constructor(
    private readonly value: unknown,
    /** As in `xds_servers[0].server_uri`. */
    readonly path: string,
    private readonly errors: string[],
  ) {}

  /** As protobuf reads JSON: null is the same as nothing. */
  get isAbsent(): boolean {
    return this.value === undefined || this.value === null;
  }

  /** A field that an object does not have is absent. */
  field(name: string): JsonField {
    return this.#child(isObject(this.value) ? this.value[name] : undefined, name);
  }

  /** Undefined when it is absent or something else. */
  string(): string | undefined {
    if (this.isAbsent) return undefined;
    if (typeof this.value === 'string') return this.value;
    this.fail('is not a text');
    return undefined;
  }

  requiredString(): string {
    const text = this.string();
    if (this.isAbsent || text === '') this.fail('is missing');
    return text ?? '';
  }

  /** Empty when it is absent or something else. */
  list(): JsonField[] {
    if (this.isAbsent) return [];
    if (Array.isArray(this.value)) {
      return this.value.map((value, index) => new JsonField(value, `${this.path}[${index}]`, this.errors));
    }
    this.fail('is not a list');
    return [];
  }

  /** By their names. Empty when it is absent or something else. */
  fields(): [string, JsonField][] {
    return Object.entries(this.object()).map(([name, value]) => [name, this.#child(value, name)]);
  }

  /** As it is. Empty when it is absent or something else. */
  object(): Readonly<Record<string, unknown>> {
    if (this.isAbsent) return {};
    if (isObject(this.value)) return this.value;
    this.fail('is not an object');
    return {};
  }

  /** As it is, whatever that is. */
  get raw(): unknown {
    return this.value;
  }

  fail(message: string): void {
    this.errors.push(this.path === '' ? message : `${this.path}: ${message}`);
  }

  #child(value: unknown, name: string): JsonField {
    const step = /^\w+$/.test(name) ? name : JSON.stringify(name);
    return new JsonField(value, this.path === '' ? step : `${this.path}.${step}`, this.errors);
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
