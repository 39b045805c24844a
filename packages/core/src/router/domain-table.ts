/**
 * Chooses by host name in Envoy's order (route_components.proto `VirtualHost.domains`): exact, the longest suffix
 * wildcard (`*.foo.com`, `*-bar.foo.com`), the longest prefix wildcard (`foo.*`), `*`. A wildcard stands for at least one
 * character. Case does not matter. Where a domain is named twice, the first wins.
 *
 * Each kind is tried with `host:port` and then with `host`, before the next kind: a wildcard that covers the port must not
 * beat an exact host.
 */
export class DomainTable<Value> {
  readonly #exact = new Map<string, Value>();
  readonly #suffixes = new AffixTable<Value>((host, length) => host.slice(-length));
  readonly #prefixes = new AffixTable<Value>((host, length) => host.slice(0, length));
  #default: Value | undefined;

  constructor(entries: Iterable<readonly [domain: string, value: Value]>) {
    for (const [domain, value] of entries) this.#add(domain.toLowerCase(), value);
    this.#suffixes.seal();
    this.#prefixes.seal();
  }

  find(host: string, hostWithPort: string): Value | undefined {
    const bare = host.toLowerCase();
    const full = hostWithPort.toLowerCase();
    return (
      this.#exact.get(full) ??
      this.#exact.get(bare) ??
      this.#suffixes.find(full) ??
      this.#suffixes.find(bare) ??
      this.#prefixes.find(full) ??
      this.#prefixes.find(bare) ??
      this.#default
    );
  }

  #add(domain: string, value: Value): void {
    if (domain === '*') this.#default ??= value;
    else if (domain.startsWith('*')) this.#suffixes.add(domain.slice(1), value);
    else if (domain.endsWith('*')) this.#prefixes.add(domain.slice(0, -1), value);
    else if (!this.#exact.has(domain)) this.#exact.set(domain, value);
  }
}

/** Wildcards of one side, by the length of their fixed part: one map lookup for each length that occurs. */
class AffixTable<Value> {
  readonly #byAffix = new Map<string, Value>();
  #longestFirst: readonly number[] = [];

  constructor(private readonly cut: (host: string, length: number) => string) {}

  add(affix: string, value: Value): void {
    if (!this.#byAffix.has(affix)) this.#byAffix.set(affix, value);
  }

  seal(): void {
    const lengths = new Set([...this.#byAffix.keys()].map((affix) => affix.length));
    this.#longestFirst = [...lengths].sort((a, b) => b - a);
  }

  find(host: string): Value | undefined {
    for (const length of this.#longestFirst) {
      if (length >= host.length) continue;
      const value = this.#byAffix.get(this.cut(host, length));
      if (value !== undefined) return value;
    }
    return undefined;
  }
}
