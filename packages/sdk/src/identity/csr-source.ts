import { generateKeyPairSync } from 'node:crypto';
import type { Clock, Random, Timer } from '@inmesh/core';
import type { CertificateCredentials } from '@inmesh/xds/client';
import type { Logger } from '../logger.js';
import { certificateRequest } from './certificate-request.js';
import { FirstAnswer } from './first-answer.js';
import { HoldingSource } from './holding-source.js';
import type { Identity } from './identity.js';
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

const noToken = 'there is no token to prove who this workload is: name a file that has one (INMESH_CA_TOKEN_FILE)';
const firstRetryMs = 1000;
const longestRetryMs = 60_000;
/** Of the life of a certificate. All workloads of a restarted mesh would ask together otherwise. */
const renewFrom = 0.45;
const renewUpTo = 0.55;

/** An identity of a certificate authority: the key is made here and never leaves the process. */
export class CsrIdentity extends HoldingSource {
  #phase: Phase = { kind: 'idle' };
  #failures = 0;
  readonly #firstAnswer: FirstAnswer;

  constructor(private readonly options: CsrIdentityOptions) {
    super(options.description, 'no certificate has been given yet', options);
    this.#firstAnswer = new FirstAnswer(options.clock);
  }

  start(): void {
    if (this.#phase.kind === 'idle') void this.#renew();
  }

  /** Starts, and waits for the first answer, good or bad, but no longer than that. */
  async open(waitMs: number): Promise<void> {
    this.start();
    await this.#firstAnswer.wait(waitMs);
  }

  close(): void {
    if (this.#phase.kind === 'waiting') this.#phase.timer.cancel();
    this.#phase = { kind: 'closed' };
    this.held.close();
  }

  async #renew(): Promise<void> {
    this.#phase = { kind: 'asking' };
    try {
      const identity = await this.#ask();
      if (!this.#isClosed) this.#take(identity);
    } catch (error) {
      if (!this.#isClosed) this.#failed((error as Error).message);
    } finally {
      this.#firstAnswer.arrived();
    }
  }

  async #ask(): Promise<Identity> {
    const { ask, spiffeId, description } = this.options;
    const credentials = this.#credentials();
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const known = [...(this.current?.bundles.values() ?? [])].flat();
    const answer = await ask(certificateRequest(privateKey, spiffeId), credentials, known);
    const chain = answer.slice(0, -1).join('');
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const named = (what: string, text: string) => ({ name: `${what} of ${description}`, text });
    const texts = {
      certificate: named('the certificate', chain),
      key: named('the key', key),
      authorities: named('the roots', answer.at(-1) ?? ''),
    };
    return parseIdentity(texts, this.held.wallClock());
  }

  /** The token, and after a failure with it the certificate at hand: who has one is no longer in need of a token. */
  #credentials(): CertificateCredentials {
    const token = this.options.readToken();
    const certificate = this.held.usable;
    if (token !== undefined && (certificate === undefined || this.#failures % 2 === 0)) return { kind: 'token', token };
    if (certificate === undefined) throw new Error(noToken);
    return { kind: 'certificate', chain: certificate.certificateChain, key: certificate.privateKey };
  }

  #take(identity: Identity): void {
    this.#failures = 0;
    const { notBefore, notAfter } = identity.certificate!;
    const part = renewFrom + this.options.random() * (renewUpTo - renewFrom);
    // On the clock that nobody sets; the certificate says how long it lasts, whatever time it is here.
    this.#wait((notAfter - notBefore) * part);
    this.held.take(identity);
  }

  #failed(problem: string): void {
    const retryMs = Math.min(longestRetryMs, firstRetryMs * 2 ** this.#failures);
    this.#failures += 1;
    this.#wait(retryMs * (0.5 + this.options.random() / 2));
    this.held.refuse(problem);
  }

  #wait(ms: number): void {
    this.#phase = { kind: 'waiting', timer: this.options.clock.setTimer(ms, () => void this.#renew()) };
  }

  get #isClosed(): boolean {
    return this.#phase.kind === 'closed';
  }
}
