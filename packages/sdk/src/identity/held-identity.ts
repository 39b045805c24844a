import type { Logger } from '../logger.js';
import type { Identity, WorkloadCertificate } from './identity.js';

export interface HeldIdentityOptions {
  readonly logger: Logger;
  /** Ms; what validity is judged by. Default: Date.now. */
  readonly wallClock?: (() => number) | undefined;
}

/** What every source keeps: the last good identity, why there is no newer one, and who wants to hear of it. */
export class HeldIdentity {
  #current: Identity | undefined;
  #problem: string | undefined;
  readonly #listeners = new Set<(identity: Identity) => void>();
  readonly #logger: Logger;
  readonly wallClock: () => number;

  constructor(
    private readonly source: string,
    firstProblem: string,
    { logger, wallClock = Date.now }: HeldIdentityOptions,
  ) {
    this.#problem = firstProblem;
    this.#logger = logger;
    this.wallClock = wallClock;
  }

  get current(): Identity | undefined {
    return this.#current;
  }

  /** Undefined: it has expired, or there is none. */
  get usable(): WorkloadCertificate | undefined {
    const certificate = this.#current?.certificate;
    return certificate !== undefined && this.wallClock() < certificate.notAfter ? certificate : undefined;
  }

  /** Whether the last try was good, whatever time it is now. */
  get isSound(): boolean {
    return this.#problem === undefined;
  }

  get problem(): string | undefined {
    const { notAfter = Number.POSITIVE_INFINITY } = this.#current?.certificate ?? {};
    if (this.wallClock() <= notAfter) return this.#problem;
    const expired = `the certificate in use has expired at ${new Date(notAfter).toISOString()}`;
    return this.#problem === undefined ? expired : `${expired}; ${this.#problem}`;
  }

  onChange(listener: (identity: Identity) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** One like that in use is not told of: it would have connections made anew. */
  take(identity: Identity): void {
    this.#problem = undefined;
    if (this.#current !== undefined && areAlike(this.#current, identity)) return;
    const { identity: who, notAfter } = identity.certificate!;
    this.#logger.info('a new identity is in use', {
      ...{ spiffeId: who.spiffeId, validUntil: new Date(notAfter).toISOString(), source: this.source },
      roots: Object.fromEntries([...identity.bundles].map(([trustDomain, roots]) => [trustDomain, roots.length])),
    });
    this.#replace(identity);
  }

  /** The old one stays in use. Said once for each problem, however often it is met. */
  refuse(problem: string): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    const kept = this.#current === undefined ? 'there is none yet' : 'the old one stays in use';
    this.#logger.error(`there is no new identity: ${kept}`, { problem, source: this.source });
  }

  /** The workload may no longer say who it is. It can still check others, by the authorities that it knew. */
  withdraw(problem: string): void {
    const { certificate, bundles } = this.#current ?? {};
    if (certificate === undefined || bundles === undefined) {
      this.refuse(problem);
      return;
    }
    this.#problem = problem;
    const { spiffeId } = certificate.identity;
    this.#logger.error('the identity has been taken away', { spiffeId, problem, source: this.source });
    this.#replace(Object.freeze({ certificate: undefined, bundles }));
  }

  close(): void {
    this.#listeners.clear();
  }

  #replace(identity: Identity): void {
    this.#current = identity;
    for (const listener of [...this.#listeners]) listener(identity);
  }
}

function areAlike(one: Identity, other: Identity): boolean {
  const [first, second] = [one, other].map(({ certificate, bundles }) => [
    ...[certificate?.certificateChain, certificate?.privateKey],
    ...[...bundles].sort(([a], [b]) => (a < b ? -1 : 1)).flat(2),
  ]);
  return first!.length === second!.length && first!.every((text, at) => text === second![at]);
}
