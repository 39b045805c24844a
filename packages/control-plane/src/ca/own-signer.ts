import { X509Certificate } from '@peculiar/x509';
import type { Logger } from '../logger.js';
import type { AuthorityStore } from './authority-store.js';
import { formatState } from './format-state.js';
import { makeIntermediate, makeRoot, readIssuer } from './make-certificate.js';
import {
  advance,
  announce,
  type Generation,
  join,
  type KeyedCertificate,
  nextPhase,
  type RollOver,
  trustedRoots,
} from './roll-over.js';
import type { Signer, SignerSource } from './signer.js';
import { makeKey } from './signing-key.js';

export interface OwnSignerOptions {
  readonly store: AuthorityStore;
  readonly trustDomain: string;
  /** Wall clock, in ms. */
  readonly now: () => number;
  readonly logger: Logger;
  /** Of each phase of a change of roots, in ms. */
  readonly phaseMs: number;
  /** For the name of the store in logs. */
  readonly description: string;
}

const dayMs = 24 * 3_600_000;
/** Istio's (`CITADEL_SELF_SIGNED_CA_CERT_TTL`). */
const rootMs = 3650 * dayMs;
const intermediateMs = 365 * dayMs;
/** A machine that is a little behind must be able to use it at once. */
const backdateMs = 3_600_000;

/** A root and an intermediate of our own. */
export class OwnSigner implements SignerSource {
  readonly description: string;
  #state: RollOver;
  #signer: Signer;
  /** When the root that signs was last among those of the store. */
  #agreedAt: number;

  private constructor(
    private readonly options: OwnSignerOptions,
    state: RollOver,
    signer: Signer,
  ) {
    this.description = options.description;
    this.#state = state;
    this.#signer = signer;
    this.#agreedAt = options.now();
  }

  /** What the store holds, or a new one. @throws Error when what it holds cannot be used */
  static async open(options: OwnSignerOptions): Promise<OwnSigner> {
    const { store, trustDomain, now } = options;
    const kept = await store.load();
    const state = kept ?? (await store.create({ kind: 'steady', signer: await makeGeneration(trustDomain, now()) }));
    return new OwnSigner(options, state, await signerOf(state));
  }

  get signer(): Signer {
    return this.#signer;
  }

  async rotate(): Promise<void> {
    const { trustDomain, now } = this.options;
    if (this.#state.kind !== 'steady') return;
    const next = await makeGeneration(trustDomain, now());
    await this.#save(announce(this.#state, next, now()));
  }

  async refresh(): Promise<boolean> {
    const before = this.#state;
    const { store, now, phaseMs } = this.options;
    // Servers that share the store change it for each other. What was removed from it is put back: it is still trusted.
    await this.#use((await store.load()) ?? (await store.create(this.#state)));
    const isAsked = await store.takeRotateRequest();
    if (isAsked && this.#state.kind !== 'steady') this.#sayUnderWay();
    if (isAsked || isDue(this.#state.signer.root.certificate, now())) await this.rotate();
    await this.#save(advance(this.#state, now(), phaseMs));
    const { signer } = this.#state;
    if (isDue(signer.intermediate.certificate, now())) {
      const intermediate = await intermediateFor(signer.root, now());
      await this.#save({ ...this.#state, signer: { ...signer, intermediate } });
    }
    return this.#state !== before;
  }

  #sayUnderWay(): void {
    const { logger, phaseMs } = this.options;
    logger.warn('a change of the root certificate is under way: no other is begun', nextPhase(this.#state, phaseMs));
  }

  /** Kept before it is used: a certificate by a root that a crash has lost could never be verified. */
  async #save(state: RollOver): Promise<void> {
    if (state === this.#state) return;
    // What cannot be used is not to be kept.
    await signerOf(state);
    await this.#use(await this.options.store.save(state));
  }

  /** @param kept what the store holds now, changed by whomever */
  async #use(kept: RollOver): Promise<void> {
    if (!this.#isOfAnother(kept)) return await this.#adopt(kept);
    this.#sayOther();
    const { store, now } = this.options;
    const joined = await store.save(join(this.#state, kept, now()));
    // Whoever was quicker is looked at the next time.
    if (this.#isOfAnother(joined)) throw new Error('the authority is changed by others all the time');
    await this.#adopt(joined);
  }

  /**
   * Whether our root is missing for another reason than a planned change. For one, both roots are kept for two phases; who
   * has not looked for so long may have slept through it, and goes by what is there.
   */
  #isOfAnother(kept: RollOver): boolean {
    const { now, phaseMs } = this.options;
    const isKnown = trustedRoots(kept).includes(this.#state.signer.root.certificate);
    return !isKnown && now() < this.#agreedAt + 2 * phaseMs;
  }

  #sayOther(): void {
    const { logger, description } = this.options;
    logger.error(
      `the certificate authority ${description} is another one that does not know our root: it was removed while a server began, or restored from an old backup. Both roots are trusted now, and a planned change to the other one has begun. To stay with ours, restore a backup that has it before the new root signs`,
    );
  }

  async #adopt(state: RollOver): Promise<void> {
    this.#agreedAt = this.options.now();
    if (state === this.#state || formatState(state) === formatState(this.#state)) return;
    const signer = await signerOf(state);
    const from = this.#state.kind;
    this.#state = state;
    this.#signer = signer;
    const { logger } = this.options;
    if (from !== state.kind) {
      const fields = { from, to: state.kind, ...nextPhase(state, this.options.phaseMs) };
      logger.info('the change of the root certificate goes on', fields);
    } else logger.info('a new intermediate certificate signs');
  }
}

async function signerOf(state: RollOver): Promise<Signer> {
  const { certificate, key } = state.signer.intermediate;
  return { issuer: await readIssuer(certificate, key), chain: [certificate], roots: trustedRoots(state) };
}

async function makeGeneration(trustDomain: string, now: number): Promise<Generation> {
  const { key, publicKey } = await makeKey();
  const validity = { notBefore: now - backdateMs, notAfter: now + rootMs };
  const root = { key, certificate: await makeRoot(nameOf(trustDomain, now), key, publicKey, validity) };
  return { root, intermediate: await intermediateFor(root, now) };
}

async function intermediateFor(root: KeyedCertificate, now: number): Promise<KeyedCertificate> {
  const issuer = await readIssuer(root.certificate, root.key);
  const { key, publicKey } = await makeKey();
  const end = Math.min(now + intermediateMs, issuer.certificate.notAfter.getTime());
  const validity = { notBefore: now - backdateMs, notAfter: end };
  const name = issuer.certificate.subject.replace('inmesh root', 'inmesh intermediate');
  return { key, certificate: await makeIntermediate(name, publicKey, issuer, validity) };
}

/** With the minute, so that people can tell an old root from a new one. */
function nameOf(trustDomain: string, now: number): string {
  return `O=${trustDomain}, CN=inmesh root ${new Date(now).toISOString().slice(0, 16)}Z`;
}

/** Two thirds of its life are over. */
function isDue(certificatePem: string, now: number): boolean {
  const { notBefore, notAfter } = new X509Certificate(certificatePem);
  return now > notAfter.getTime() - (notAfter.getTime() - notBefore.getTime()) / 3;
}
