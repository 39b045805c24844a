import type { Clock } from '@inmesh/core';
import type { Logger } from '../logger.js';
import { FederatedBundles } from './federated-bundles.js';
import type { Identity, IdentitySource } from './identity.js';

/** Beside where an identity comes from. */
export interface Federation {
  /**
   * Files of the authorities of other trust domains whose workloads are trusted, by trust domain: PEM, or a SPIFFE bundle
   * document (JSON). They are read again when they change. Default: none.
   */
  readonly federated?: Readonly<Record<string, string>> | undefined;
}

/** An identity with the authorities of other trust domains, whatever it comes from. Those that it brings itself go first. */
export class FederatedIdentity implements IdentitySource {
  readonly #bundles: FederatedBundles;
  #merged: { readonly identity: Identity; readonly files: unknown; readonly merged: Identity } | undefined;
  readonly #listeners = new Set<(identity: Identity) => void>();

  constructor(
    private readonly own: IdentitySource,
    federated: NonNullable<Federation['federated']>,
    options: { readonly clock: Clock; readonly logger: Logger },
  ) {
    this.#bundles = new FederatedBundles(federated, options, () => this.#tell());
    own.onChange(() => this.#tell());
  }

  get description(): string {
    return this.own.description;
  }

  get current(): Identity | undefined {
    const identity = this.own.current;
    if (identity === undefined) return undefined;
    const files = this.#bundles.current;
    if (this.#merged?.identity !== identity || this.#merged.files !== files) {
      const bundles = new Map([...identity.bundles, ...files, ...identity.bundles]);
      this.#merged = { identity, files, merged: Object.freeze({ certificate: identity.certificate, bundles }) };
    }
    return this.#merged.merged;
  }

  get problem(): string | undefined {
    const brought = this.own.current?.bundles;
    const unused = [...this.#bundles.current.keys()].filter((domain) => brought?.has(domain));
    const problems = [
      this.own.problem,
      this.#bundles.problem,
      ...unused.map((domain) => `federated ${domain} is not used: ${this.own.description} says who signs for it`),
    ].filter((problem) => problem !== undefined);
    return problems.length === 0 ? undefined : problems.join('; ');
  }

  onChange(listener: (identity: Identity) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The first look at the files. */
  async open(): Promise<void> {
    await this.#bundles.look();
  }

  start(): void {
    this.#bundles.start();
    this.own.start();
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    this.#bundles.close();
    await this.own.close();
  }

  #tell(): void {
    const { current } = this;
    if (current === undefined) return;
    for (const listener of [...this.#listeners]) listener(current);
  }
}
