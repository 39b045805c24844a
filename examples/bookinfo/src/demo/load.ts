import type { Product } from '../services/product.js';

const everyMs = 50;
const mostAtOnce = 4;
const windowMs = 5000;

export interface Caller {
  readonly name: string;
  readonly headers: Record<string, string>;
}

export const everyone: Caller = { name: 'everyone', headers: {} };
export const jason: Caller = { name: 'jason', headers: { 'end-user': 'jason' } };
/** One request in five is jason's. */
const turns = [everyone, everyone, everyone, everyone, jason];

/** What a caller got of late. */
export interface Seen {
  readonly requests: number;
  readonly failed: number;
  /** Requests by the version of reviews that answered. */
  readonly versions: ReadonlyMap<string, number>;
}

/** Asks for the product about 20 times a second, and remembers which version of reviews was in the answer. */
export class Load {
  readonly #outcomes: { readonly at: number; readonly caller: Caller; readonly version: string | undefined }[] = [];
  readonly #underWay = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #turn = 0;

  start(url: string): void {
    this.#timer = setInterval(() => {
      if (this.#underWay.size >= mostAtOnce) return;
      const caller = turns[this.#turn++ % turns.length]!;
      const request = this.#ask(url, caller).finally(() => this.#underWay.delete(request));
      this.#underWay.add(request);
    }, everyMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
  }

  seenBy(caller: Caller): Seen {
    const outcomes = this.#outcomes.filter((outcome) => outcome.caller === caller);
    const versions = new Map<string, number>();
    for (const { version } of outcomes)
      if (version !== undefined) versions.set(version, (versions.get(version) ?? 0) + 1);
    const failed = outcomes.filter(({ version }) => version === undefined).length;
    return { requests: outcomes.length, failed, versions: new Map([...versions].sort()) };
  }

  async #ask(url: string, caller: Caller): Promise<void> {
    const version = await versionSeen(url, caller).catch(() => undefined);
    this.#outcomes.push({ at: Date.now(), caller, version });
    while (this.#outcomes[0]!.at < Date.now() - windowMs) this.#outcomes.shift();
  }
}

/** Undefined when the page had to do without reviews. */
async function versionSeen(url: string, { headers }: Caller): Promise<string | undefined> {
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(2000) });
  const { reviews } = (await response.json()) as Product;
  return 'version' in reviews ? reviews.version : undefined;
}
