import type { Clock, PeerIdentity, Timer } from '@inmesh/core';
import type { Logger } from '../logger.js';
import { makeLeaf, type Validity } from './make-certificate.js';
import { readCsr } from './read-csr.js';
import type { Signer, SignerSource } from './signer.js';

export interface AuthorityOptions {
  readonly source: SignerSource;
  readonly trustDomain: string;
  readonly logger: Logger;
  /** Wall clock, in ms. */
  readonly now: () => number;
  readonly clock: Clock;
}

export type SigningResult =
  | {
      readonly ok: true;
      /** PEM: the leaf first, then intermediates. */
      readonly chain: readonly string[];
      /** PEM, every root that is trusted. */
      readonly roots: readonly string[];
      readonly notAfter: number;
    }
  | {
      readonly ok: false;
      readonly reason: 'bad_csr' | 'other_identity' | 'authority_expired';
      readonly detail: string;
    };

/** How long a leaf lasts that asks for nothing, and at most (Istio's `DEFAULT_WORKLOAD_CERT_TTL`). */
export const maxLeafMs = 24 * 3_600_000;
const minLeafMs = 1000;
/** How far clocks may be apart (Istio's `ClockSkewGracePeriod`); of a short-lived one a tenth. */
const maxBackdateMs = 120_000;

const refreshEveryMs = 10_000;

/** Signs certificates of workloads, each for the identity that it has proved and for no other. */
export class CertificateAuthority {
  readonly trustDomain: string;
  readonly #listeners = new Set<() => void>();
  #timer: Timer | undefined;
  /** One change at a time. */
  #last: Promise<void> = Promise.resolve();
  #isClosed = false;
  #problem: string | undefined;

  constructor(private readonly options: AuthorityOptions) {
    this.trustDomain = options.trustDomain;
    this.#schedule();
  }

  get description(): string {
    return this.options.source.description;
  }

  /** PEM, every root that is trusted. */
  get roots(): readonly string[] {
    return this.#signer.roots;
  }

  /** PEM, the certificate that leaves are signed by from now on. */
  get signedBy(): string {
    return this.#signer.issuer.certificate.toString('pem');
  }

  get #signer(): Signer {
    return this.options.source.signer;
  }

  /** Tells of new roots and new intermediates. Returns what ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * @param csr PEM; only its public key is used
   * @param identity whom the caller has proved to be
   * @param validityMs what is asked for; 0 for the default
   */
  async sign(csr: string, identity: PeerIdentity, validityMs = 0): Promise<SigningResult> {
    const request = await readCsr(csr);
    if (!request.ok) return { ok: false, reason: 'bad_csr', detail: `the certificate request ${request.reason}` };
    const { spiffeId } = identity;
    const other = request.names.find((name) => name !== spiffeId);
    if (other !== undefined) {
      const detail = `the certificate request is for ${JSON.stringify(other.slice(0, 200))} and its sender is ${spiffeId}`;
      return { ok: false, reason: 'other_identity', detail };
    }
    return await this.#issue([{ type: 'url', value: spiffeId }], request.publicKey, validityMs);
  }

  /**
   * For a key that was made here.
   * @param identity whom the caller has proved to be
   * @param validityMs 0 for the default
   */
  async signKey(
    publicKey: Uint8Array<ArrayBuffer>,
    { spiffeId }: PeerIdentity,
    validityMs: number,
  ): Promise<SigningResult> {
    return await this.#issue([{ type: 'url', value: spiffeId }], publicKey, validityMs);
  }

  /** For the config server's own port. */
  async signServer(
    publicKey: Uint8Array<ArrayBuffer>,
    hosts: readonly string[],
    spiffeId: string,
  ): Promise<SigningResult> {
    const names = hosts.map((value) => ({ type: isAddress(value) ? ('ip' as const) : ('dns' as const), value }));
    return await this.#issue([{ type: 'url', value: spiffeId }, ...names], publicKey, maxLeafMs);
  }

  /** Begins a planned change of roots. @throws Error where an outside CA does that */
  async rotate(): Promise<void> {
    await this.#inTurn(() => this.options.source.rotate());
    this.#notify();
  }

  /** Does what is due now: renewal, the next phase of a change of roots. By itself it looks every 10 s. */
  async refresh(): Promise<void> {
    try {
      await this.#inTurn(async () => {
        if (await this.options.source.refresh()) this.#notify();
      });
      this.#problem = undefined;
    } catch (error) {
      const problem = (error as Error).message;
      // An outage lasts for many looks and is told once.
      if (problem !== this.#problem)
        this.options.logger.error('the certificate authority cannot be renewed', { problem });
      this.#problem = problem;
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#listeners.clear();
  }

  async #issue(
    names: Parameters<typeof makeLeaf>[0],
    publicKey: Uint8Array<ArrayBuffer>,
    validityMs: number,
  ): Promise<SigningResult> {
    const { issuer, chain, roots } = this.#signer;
    const at = leafValidity(validityMs, this.options.now(), issuer.certificate.notAfter.getTime());
    if (at === undefined) {
      return { ok: false, reason: 'authority_expired', detail: 'the certificate of the authority itself has expired' };
    }
    const leaf = await makeLeaf(names, publicKey, issuer, at);
    return { ok: true, chain: [leaf, ...chain], roots, notAfter: at.notAfter };
  }

  #inTurn(change: () => Promise<void>): Promise<void> {
    const done = this.#last.then(change);
    this.#last = done.catch(() => {});
    return done;
  }

  #notify(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  #schedule(): void {
    if (this.#isClosed) return;
    this.#timer = this.options.clock.setTimer(refreshEveryMs, () => {
      void this.refresh().then(() => this.#schedule());
    });
  }
}

/** Whole seconds, since a certificate knows no parts of them, and never longer than who signs it. */
function leafValidity(askedMs: number, now: number, issuerEnd: number): Validity | undefined {
  const asked = askedMs > 0 ? Math.max(askedMs, minLeafMs) : maxLeafMs;
  const lifeMs = Math.min(asked, maxLeafMs);
  const notAfter = Math.min(Math.ceil((now + lifeMs) / 1000) * 1000, issuerEnd);
  if (notAfter <= now) return undefined;
  return { notBefore: Math.floor((now - Math.min(maxBackdateMs, lifeMs / 10)) / 1000) * 1000, notAfter };
}

function isAddress(host: string): boolean {
  return /^[\d.]+$/.test(host) || host.includes(':');
}
