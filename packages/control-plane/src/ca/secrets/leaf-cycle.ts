import type { Clock, PeerIdentity, Random, Timer } from '@inmesh/core';
import type { Secret } from '@inmesh/xds/messages';
import type { Logger } from '../../logger.js';
import type { CertificateAuthority } from '../authority.js';
import type { CertificateOutcome } from '../certificate-service.js';
import type { IdentityLimit } from '../identity-limit.js';
import { makeKey } from '../signing-key.js';
import { certificateSecret } from './secret-messages.js';

export interface LeafTools {
  readonly authority: CertificateAuthority;
  readonly limit: IdentityLimit;
  readonly logger: Logger;
  readonly count: (outcome: CertificateOutcome) => void;
  readonly clock: Clock;
  /** Wall clock, in ms. */
  readonly now: () => number;
  readonly random: Random;
  /** How long a certificate lasts, in ms; 0 for the authority's default. */
  readonly validityMs: number;
}

/** A certificate with its key, and by which certificate it was signed. */
interface Leaf {
  readonly secret: Secret;
  readonly signedBy: string;
  readonly lifeMs: number;
}

type Phase =
  | { readonly kind: 'making' }
  /** For the half of its life, or after a failure. */
  | { readonly kind: 'waiting'; readonly timer: Timer }
  | { readonly kind: 'closed' };

const firstRetryMs = 1000;
const longestRetryMs = 60_000;
/** Of the life of a certificate. Those of all workloads of a restarted mesh would end together otherwise. */
const renewFrom = 0.45;
const renewUpTo = 0.55;
/** All leaves of a mesh are made anew when another signs. The old ones are good meanwhile, in a planned change. */
const spreadMs = 2000;

/** The certificate of one identity with a key that is made here, renewed until it is closed. */
export class LeafCycle {
  #phase: Phase = { kind: 'making' };
  #leaf: Leaf | undefined;
  #failures = 0;
  #problem: string | undefined;

  /** @param onChange called when there is a new one, and when there is none after all */
  constructor(
    private readonly identity: PeerIdentity,
    private readonly tools: LeafTools,
    private readonly onChange: () => void,
  ) {
    void this.#renew();
  }

  /** Undefined: there is none. */
  get secret(): Secret | undefined {
    return this.#leaf?.secret;
  }

  /** Whether the first one is on its way, and nothing has gone wrong. */
  get isAwaited(): boolean {
    return this.#leaf === undefined && this.#failures === 0;
  }

  /** Whoever signs may be another now. */
  checkSigner(): void {
    if (this.#phase.kind !== 'waiting' || this.#leaf?.signedBy === this.tools.authority.signedBy) return;
    this.#phase.timer.cancel();
    this.#wait(this.tools.random() * spreadMs);
  }

  close(): void {
    if (this.#phase.kind === 'waiting') this.#phase.timer.cancel();
    this.#phase = { kind: 'closed' };
    this.#leaf = undefined;
  }

  async #renew(): Promise<void> {
    this.#phase = { kind: 'making' };
    const made = await this.#make().catch((error: unknown): Failure => ({ outcome: 'error', detail: String(error) }));
    if (this.#isClosed) return;
    if ('outcome' in made) this.#failed(made);
    else this.#take(made);
  }

  async #make(): Promise<Leaf | Failure> {
    const { authority, limit, now, validityMs } = this.tools;
    const { spiffeId } = this.identity;
    if (!limit.take(spiffeId)) return { outcome: 'rate_limited', detail: `${spiffeId} is given too many certificates` };
    const { key, publicKey } = await makeKey();
    const { signedBy } = authority;
    const signed = await authority.signKey(publicKey, this.identity, validityMs);
    if (!signed.ok) return { outcome: signed.reason, detail: signed.detail };
    return { secret: certificateSecret(signed.chain, key), signedBy, lifeMs: signed.notAfter - now() };
  }

  #take(leaf: Leaf): void {
    const { authority, count, random } = this.tools;
    // Whoever signs has changed meanwhile.
    const isStale = leaf.signedBy !== authority.signedBy;
    this.#failures = 0;
    this.#problem = undefined;
    this.#leaf = leaf;
    count('issued');
    this.#wait(isStale ? 0 : leaf.lifeMs * (renewFrom + random() * (renewUpTo - renewFrom)));
    this.onChange();
  }

  /** Said once for each problem, however often it is met. */
  #failed({ outcome, detail }: Failure): void {
    const { count, logger, random } = this.tools;
    count(outcome);
    const retryMs = Math.min(longestRetryMs, firstRetryMs * 2 ** this.#failures);
    const isFirst = this.isAwaited;
    this.#failures += 1;
    this.#wait(retryMs * (0.5 + random() / 2));
    if (detail !== this.#problem) {
      const kept = this.#leaf === undefined ? 'there is none yet' : 'the old one stays in use';
      logger.error(`a workload is given no new certificate by SDS: ${kept}`, {
        ...{ spiffeId: this.identity.spiffeId, reason: outcome, detail },
      });
    }
    this.#problem = detail;
    if (isFirst) this.onChange();
  }

  #wait(ms: number): void {
    this.#phase = { kind: 'waiting', timer: this.tools.clock.setTimer(ms, () => void this.#renew()) };
  }

  get #isClosed(): boolean {
    return this.#phase.kind === 'closed';
  }
}

interface Failure {
  readonly outcome: Exclude<CertificateOutcome, 'issued'>;
  readonly detail: string;
}
