import { generateKeyPairSync } from 'node:crypto';
import type { Clock, Random, Timer } from '@inmesh/core';
import type { CertificateCredentials } from '@inmesh/xds/client';
import type { Logger } from '../logger.js';
import { certificateRequest } from './certificate-request.js';
import type { Identity, IdentitySource, WorkloadCertificate } from './identity.js';
import { parseIdentity } from './parse-identity.js';

/** What signs: the leaf, intermediates, and last all roots in one, each PEM. */
export type AskAuthority = (
  csr: string,
  credentials: CertificateCredentials,
  /** PEM. */
  knownRoots: readonly string[],
) => Promise<readonly string[]>;

export interface CsrIdentityOptions {
  /** For logs, e.g. `authority 127.0.0.1:15012`. */
  readonly description: string;
  readonly ask: AskAuthority;
  /** Read for each request, since tokens are replaced. Undefined: there is none now. */
  readonly readToken: () => string | undefined;
  /** What the certificate is to be for. Default: what the authority knows of the caller. */
  readonly spiffeId?: string | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Ms; what validity is judged by. Default: Date.now. */
  readonly wallClock?: (() => number) | undefined;
}

type Phase =
  | { readonly kind: 'idle' }
  | { readonly kind: 'asking' }
  /** For the half of the life of the certificate, or after a failure. */
  | { readonly kind: 'waiting'; readonly timer: Timer }
  | { readonly kind: 'closed' };

const firstRetryMs = 1000;
const longestRetryMs = 60_000;
/** Of the life of a certificate. All workloads of a restarted mesh would ask together otherwise. */
const renewFrom = 0.45;
const renewUpTo = 0.55;

/** An identity of a certificate authority: the key is made here and never leaves the process. */
export class CsrIdentity implements IdentitySource {
  readonly description: string;
  #current: Identity | undefined;
  #problem: string | undefined = 'no certificate has been given yet';
  #phase: Phase = { kind: 'idle' };
  #failures = 0;
  #answered: (() => void) | undefined;
  readonly #firstAnswer = new Promise<void>((resolve) => {
    this.#answered = resolve;
  });
  readonly #listeners = new Set<(identity: Identity) => void>();
  readonly #wallClock: () => number;

  constructor(private readonly options: CsrIdentityOptions) {
    this.description = options.description;
    this.#wallClock = options.wallClock ?? Date.now;
  }

  get current(): Identity | undefined {
    return this.#current;
  }

  get problem(): string | undefined {
    const { notAfter = Number.POSITIVE_INFINITY } = this.#current?.certificate ?? {};
    if (this.#wallClock() <= notAfter) return this.#problem;
    const expired = `the certificate in use has expired at ${new Date(notAfter).toISOString()}`;
    return this.#problem === undefined ? expired : `${expired}; ${this.#problem}`;
  }

  onChange(listener: (identity: Identity) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(): void {
    if (this.#phase.kind === 'idle') void this.#renew();
  }

  /** Starts, and waits for the first answer, good or bad, but no longer than that. */
  async open(waitMs: number): Promise<void> {
    this.start();
    let timer: Timer | undefined;
    const enough = new Promise<void>((resolve) => {
      timer = this.options.clock.setTimer(waitMs, resolve);
    });
    await Promise.race([this.#firstAnswer, enough]);
    timer?.cancel();
  }

  close(): void {
    if (this.#phase.kind === 'waiting') this.#phase.timer.cancel();
    this.#phase = { kind: 'closed' };
    this.#listeners.clear();
  }

  async #renew(): Promise<void> {
    this.#phase = { kind: 'asking' };
    try {
      const identity = await this.#ask();
      if (!this.#isClosed) this.#take(identity);
    } catch (error) {
      if (!this.#isClosed) this.#failed((error as Error).message);
    } finally {
      this.#answered?.();
    }
  }

  async #ask(): Promise<Identity> {
    const { ask, spiffeId, description } = this.options;
    const credentials = this.#credentials();
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const known = [...(this.#current?.bundles.values() ?? [])].flat();
    const answer = await ask(certificateRequest(privateKey, spiffeId), credentials, known);
    const chain = answer.slice(0, -1).join('');
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const named = (what: string, text: string) => ({ name: `${what} of ${description}`, text });
    const texts = {
      certificate: named('the certificate', chain),
      key: named('the key', key),
      authorities: named('the roots', answer.at(-1) ?? ''),
      federated: new Map(),
    };
    return parseIdentity(texts, this.#wallClock());
  }

  /** The token, and after a failure with it the certificate at hand: who has one is no longer in need of a token. */
  #credentials(): CertificateCredentials {
    const token = this.options.readToken();
    const certificate = this.#usable();
    if (token !== undefined && (certificate === undefined || this.#failures % 2 === 0)) return { kind: 'token', token };
    if (certificate === undefined) throw new Error('there is no token to prove who this workload is');
    return { kind: 'certificate', chain: certificate.certificateChain, key: certificate.privateKey };
  }

  #usable(): WorkloadCertificate | undefined {
    const certificate = this.#current?.certificate;
    return certificate !== undefined && this.#wallClock() < certificate.notAfter ? certificate : undefined;
  }

  #take(identity: Identity): void {
    this.#failures = 0;
    this.#problem = undefined;
    this.#current = identity;
    const { notBefore, notAfter, identity: who } = identity.certificate!;
    const part = renewFrom + this.options.random() * (renewUpTo - renewFrom);
    // On the clock that nobody sets; the certificate says how long it lasts, whatever time it is here.
    this.#wait((notAfter - notBefore) * part);
    const validUntil = new Date(notAfter).toISOString();
    const { logger, description } = this.options;
    logger.info('a new identity is in use', { spiffeId: who.spiffeId, validUntil, source: description });
    for (const listener of [...this.#listeners]) listener(identity);
  }

  /** Said once for each problem, however often it is met. */
  #failed(problem: string): void {
    const retryMs = Math.min(longestRetryMs, firstRetryMs * 2 ** this.#failures);
    this.#failures += 1;
    this.#wait(retryMs * (0.5 + this.options.random() / 2));
    if (problem === this.#problem) return;
    this.#problem = problem;
    const kept = this.#current === undefined ? 'there is none yet' : 'the old one stays in use';
    this.options.logger.error(`there is no new identity: ${kept}`, { problem, source: this.description });
  }

  #wait(ms: number): void {
    this.#phase = { kind: 'waiting', timer: this.options.clock.setTimer(ms, () => void this.#renew()) };
  }

  get #isClosed(): boolean {
    return this.#phase.kind === 'closed';
  }
}
