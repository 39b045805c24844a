import type { Nack } from './client-status.js';

interface Delivery {
  readonly nonce: string;
  readonly version: string;
  readonly names: readonly string[];
}

/** A client that answers nothing must not make its log grow. */
const maxUnanswered = 16;

/** What was sent of one type on one stream, and what the client said to it. */
export class DeliveryLog {
  readonly #unanswered: Delivery[] = [];
  /** What the client refused, as long as nothing else was sent in its place. */
  readonly #refused = new Set<string>();
  #nack: Nack | undefined;
  #nonce = 0;
  #sentVersion = '';
  #ackedVersion = '';

  /** Of the response that was sent last; empty before the first. */
  get nonce(): string {
    return this.#nonce === 0 ? '' : String(this.#nonce);
  }

  get sentVersion(): string {
    return this.#sentVersion;
  }

  get ackedVersion(): string {
    return this.#ackedVersion;
  }

  /** Whether something is on its way, or held back by the client. */
  get isAwaitingAnswer(): boolean {
    return this.#unanswered.length > 0;
  }

  get nack(): Nack | undefined {
    return this.#nack;
  }

  /** The client came with this, from an earlier stream. */
  claim(version: string): void {
    this.#ackedVersion = version;
  }

  /** @param isWhole whether nothing of what was sent before counts any more */
  send(version: string, names: readonly string[], isWhole: boolean): string {
    this.#nonce += 1;
    this.#sentVersion = version;
    const { nonce } = this;
    this.#unanswered.push({ nonce, version, names });
    if (this.#unanswered.length > maxUnanswered) this.#mergeOldest();
    this.#forgive(names, isWhole);
    return nonce;
  }

  /** What may still be on its way to the client. */
  *unansweredNames(): Generator<string> {
    for (const { names } of this.#unanswered) yield* names;
  }

  /** Only the first request with a nonce answers; later ones change the subscription, after a refusal too. */
  answer(nonce: string, refusal: string | undefined, nowMs: number): Nack | undefined {
    const index = this.#unanswered.findIndex((delivery) => delivery.nonce === nonce);
    if (index < 0) return undefined;
    const delivery = this.#unanswered.splice(0, index + 1).pop()!;
    if (refusal === undefined) {
      this.#ackedVersion = delivery.version;
      return undefined;
    }
    for (const name of delivery.names) this.#refused.add(name);
    this.#nack = { version: delivery.version, message: refusal, atMs: nowMs };
    return this.#nack;
  }

  /** What the client said to what it was sent last under the name. */
  answerTo(name: string): 'none' | 'accepted' | 'refused' {
    if (this.#unanswered.some(({ names }) => names.includes(name))) return 'none';
    return this.#refused.has(name) ? 'refused' : 'accepted';
  }

  #mergeOldest(): void {
    const [oldest, next] = this.#unanswered.splice(0, 2);
    if (oldest === undefined || next === undefined) return;
    this.#unanswered.unshift({ ...next, names: [...new Set([...oldest.names, ...next.names])] });
  }

  #forgive(names: readonly string[], isWhole: boolean): void {
    if (isWhole) this.#refused.clear();
    for (const name of names) this.#refused.delete(name);
    if (this.#refused.size === 0) this.#nack = undefined;
  }
}
