/**
 * Request headers as one flat array of lower-case names and values, the shape that undici takes without conversion.
 * A name may stand more than once. Lookups scan: requests carry few headers, and a scan beats building a map.
 */
export class HeaderList {
  /** name, value, name, value, ... */
  readonly flat: string[];

  constructor(flat: string[] = []) {
    this.flat = flat;
  }

  static of(entries: Iterable<readonly [string, string]>): HeaderList {
    const flat: string[] = [];
    for (const [name, value] of entries) flat.push(name.toLowerCase(), value);
    return new HeaderList(flat);
  }

  /** The first value of `name`, which must be lower-case. */
  get(name: string): string | undefined {
    const flat = this.flat;
    for (let i = 0; i < flat.length; i += 2) if (flat[i] === name) return flat[i + 1];
    return undefined;
  }

  /** All values of `name` joined by a comma, as Envoy matches repeated headers. */
  getJoined(name: string): string | undefined {
    const flat = this.flat;
    let joined: string | undefined;
    for (let i = 0; i < flat.length; i += 2) {
      if (flat[i] === name) joined = joined === undefined ? flat[i + 1] : `${joined},${flat[i + 1]}`;
    }
    return joined;
  }

  /** Every value of `name`, in order. */
  getAll(name: string): string[] {
    return this.flat.filter((_text, index) => index % 2 === 1 && this.flat[index - 1] === name);
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** Replaces every value of `name` by one. */
  set(name: string, value: string): void {
    const flat = this.flat;
    for (let i = 0; i < flat.length; i += 2) {
      if (flat[i] !== name) continue;
      flat[i + 1] = value;
      for (let j = flat.length - 2; j > i; j -= 2) if (flat[j] === name) flat.splice(j, 2);
      return;
    }
    flat.push(name, value);
  }

  append(name: string, value: string): void {
    this.flat.push(name, value);
  }

  delete(name: string): void {
    const flat = this.flat;
    for (let i = flat.length - 2; i >= 0; i -= 2) if (flat[i] === name) flat.splice(i, 2);
  }

  copy(): HeaderList {
    return new HeaderList(this.flat.slice());
  }
}
