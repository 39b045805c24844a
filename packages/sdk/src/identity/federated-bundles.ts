import { dirname } from 'node:path';
import type { Clock } from '@inmesh/core';
import type { Logger } from '../logger.js';
import { oneAtATime } from './one-at-a-time.js';
import { readTogether, stampOf } from './read-together.js';
import { parseBundle } from './spiffe-bundle.js';
import { watchPaths } from './watch-paths.js';

interface Bundle {
  readonly path: string;
  stamp: string | undefined;
  /** PEM. Undefined: there has been no good one yet. */
  pems: readonly string[] | undefined;
  sequence: number | undefined;
  problem: string | undefined;
}

/** The authorities of other trust domains, in files that are read again when they change. A broken one is not taken. */
export class FederatedBundles {
  #current: ReadonlyMap<string, readonly string[]> = new Map();
  readonly #bundles: ReadonlyMap<string, Bundle>;
  #stopWatching: (() => void) | undefined;
  /** Looks whether files are others; it never rejects. */
  readonly look: () => Promise<void>;

  constructor(
    /** By trust domain. */
    paths: Readonly<Record<string, string>>,
    private readonly options: { readonly clock: Clock; readonly logger: Logger },
    private readonly onChange: () => void,
  ) {
    const unread = { stamp: undefined, pems: undefined, sequence: undefined, problem: undefined };
    this.#bundles = new Map(Object.entries(paths).map(([domain, path]) => [domain, { path, ...unread }]));
    this.look = oneAtATime(() => this.#lookOnce());
  }

  /** PEM of the authorities, each by itself, by trust domain. One object as long as nothing of it changes. */
  get current(): ReadonlyMap<string, readonly string[]> {
    return this.#current;
  }

  get problem(): string | undefined {
    const problems = [...this.#bundles.values()].flatMap(({ problem }) => problem ?? []);
    return problems.length === 0 ? undefined : problems.join('; ');
  }

  start(): void {
    const folders = new Set([...this.#bundles.values()].map(({ path }) => dirname(path)));
    this.#stopWatching ??= watchPaths([...folders], this.options.clock, () => void this.look());
  }

  close(): void {
    this.#stopWatching?.();
  }

  async #lookOnce(): Promise<void> {
    let isOther = false;
    for (const [domain, bundle] of this.#bundles) {
      try {
        isOther = (await this.#read(domain, bundle)) || isOther;
      } catch (error) {
        this.#refuse(domain, bundle, (error as Error).message);
      }
    }
    if (!isOther) return;
    const known = [...this.#bundles].flatMap(([domain, { pems }]) =>
      pems === undefined ? [] : [[domain, pems] as const],
    );
    this.#current = new Map(known);
    this.onChange();
  }

  async #read(domain: string, bundle: Bundle): Promise<boolean> {
    const { path } = bundle;
    if (bundle.problem === undefined && (await stampOf([path])) === bundle.stamp) return false;
    const { texts, stamp } = await readTogether([path]);
    const { certificates, sequence } = parseBundle(texts.get(path)!);
    if (sequence !== undefined && bundle.sequence !== undefined && sequence < bundle.sequence) {
      throw new Error(`spiffe_sequence: ${sequence} is older than ${bundle.sequence}, which is in use`);
    }
    const pems = certificates.map((certificate) => certificate.toString());
    const isOther = pems.join('') !== bundle.pems?.join('');
    Object.assign(bundle, { stamp, pems, sequence, problem: undefined });
    if (isOther)
      this.options.logger.info('the authorities of a trust domain are in use', { trustDomain: domain, path });
    return isOther;
  }

  /** Said once for each problem. */
  #refuse(trustDomain: string, bundle: Bundle, reason: string): void {
    const problem = `federated ${trustDomain}: ${reason.includes(bundle.path) ? reason : `${bundle.path}: ${reason}`}`;
    if (problem === bundle.problem) return;
    bundle.problem = problem;
    const kept = bundle.pems === undefined ? 'it is not trusted yet' : 'the old ones stay in use';
    this.options.logger.error(`the authorities of a trust domain were not taken: ${kept}`, { trustDomain, problem });
  }
}
