import type { WarmingScope } from '../warming-scope.js';
import type { LinkEvents, LinkStatus, ServerLink } from './server-link.js';

export interface ServerChoiceOptions {
  readonly warming: WarmingScope;
  readonly onStatus: () => void;
  /** Whether nobody else has a part in the versions that are kept. */
  readonly isAlone: boolean;
  /** One for each server, in the order in which they are tried. */
  readonly createLinks: (events: LinkEvents) => readonly ServerLink[];
}

/**
 * Which of several servers is listened to (gRFC A71). The next one is tried only while none before it can be reached and
 * something is missing: with everything there, an outage of the first is no reason to take another's word. As soon as an
 * earlier one answers it is listened to again, and those after it are left.
 */
export class ServerChoice {
  readonly #warming: WarmingScope;
  readonly #onStatus: () => void;
  readonly #isAlone: boolean;
  readonly #links: readonly ServerLink[];
  /** Whose responses are used. It stays so while it is away. */
  #chosen: ServerLink | undefined;
  /** Those that have an open stream. */
  readonly #open = new Set<ServerLink>();

  constructor({ warming, onStatus, isAlone, createLinks }: ServerChoiceOptions) {
    this.#warming = warming;
    this.#onStatus = onStatus;
    this.#isAlone = isAlone;
    this.#links = createLinks({
      onStatus: (link) => this.#changed(link),
      onAnswer: (link) => this.#choose(link),
      onSilence: () => this.#reconsider(),
      isOwner: (link) => isAlone && link === this.#chosen,
    });
  }

  /**
   * Connected as soon as one is, to the one that is listened to if it is open; what is wrong is said of all that were tried,
   * by name where there may be others.
   */
  get status(): LinkStatus {
    const [first] = this.#links;
    if (first !== undefined && this.#links.length === 1 && this.#isAlone) return first.status;
    const started = this.#links.filter((link) => link.isStarted);
    const open = started.filter(({ status }) => status.kind === 'connected');
    const listened = open.find((link) => link === this.#chosen) ?? open[0];
    const active = listened ?? started.find(({ status }) => status.kind === 'connecting');
    return active?.status ?? allLost(started.length > 0 ? started : this.#links.slice(0, 1));
  }

  get isStarted(): boolean {
    return this.#links[0]?.isStarted === true;
  }

  /** Does nothing when started already. */
  start(): void {
    this.#links[0]?.start();
  }

  /** The names to ask for may be different now. */
  updateNames(): void {
    for (const link of this.#links) link.updateNames();
    this.#reconsider();
  }

  close(): void {
    for (const link of this.#links) link.close('closed');
    this.#open.clear();
  }

  #changed(link: ServerLink): void {
    const isOpen = link.status.kind === 'connected';
    if (isOpen && !this.#open.has(link)) this.#opened(link);
    else if (!isOpen && this.#open.delete(link) && this.#open.size === 0) this.#warming.disconnected();
    this.#reconsider();
    this.#onStatus();
  }

  #opened(link: ServerLink): void {
    const isListening = this.#chosen !== undefined && this.#open.has(this.#chosen);
    this.#open.add(link);
    if (!isListening) this.#warming.connected(link.server.features);
  }

  #choose(link: ServerLink): void {
    if (link !== this.#chosen) {
      // Versions of one server say nothing to another.
      if (this.#chosen !== undefined) this.#warming.forgetVersions();
      this.#chosen = link;
      this.#warming.connected(link.server.features);
    }
    for (const later of this.#links.slice(this.#links.indexOf(link) + 1)) {
      if (later.isStarted) later.close('a server before it answers');
    }
  }

  #reconsider(): void {
    const next = this.#links.find((link) => !link.isUnreachable);
    if (next === undefined || next.isStarted || !this.isStarted || !this.#warming.isAwaiting) return;
    next.start();
  }
}

function allLost(links: readonly ServerLink[]): LinkStatus {
  const reasons: string[] = [];
  let nextAttemptAtMs = Number.POSITIVE_INFINITY;
  for (const { server, status } of links) {
    if (status.kind !== 'disconnected') continue;
    reasons.push(`${server.serverUri}: ${status.reason}`);
    nextAttemptAtMs = Math.min(nextAttemptAtMs, status.nextAttemptAtMs);
  }
  return { kind: 'disconnected', reason: reasons.join('; '), nextAttemptAtMs };
}
