import { type Counters, growth, type Rates, ratesOf, readCounters } from './metrics.js';

/** How far back rates look. */
const windowMs = 5000;

type ByWorkload = ReadonlyMap<string, Counters>;

/** Does for the table what a Prometheus does for a dashboard. */
export class Scraper {
  readonly #scrapes: { readonly at: number; readonly callers: ReadonlyMap<string, ByWorkload> }[] = [];

  constructor(private readonly fetchText = fetchPage) {}

  /** Reads all of them; what one that does not answer, or is gone, has counted stays as it was. */
  async scrape(urls: readonly string[]): Promise<void> {
    const callers = new Map(this.#scrapes.at(-1)?.callers);
    const texts = await Promise.allSettled(urls.map((url) => this.fetchText(url)));
    for (const [index, text] of texts.entries()) {
      if (text.status === 'fulfilled') callers.set(urls[index]!, readCounters(text.value));
    }
    const at = Date.now();
    this.#scrapes.push({ at, callers });
    while (this.#scrapes.length > 2 && this.#scrapes[1]!.at <= at - windowMs) this.#scrapes.shift();
  }

  /** Each caller's counters are compared with its own: the end of one would else hide what the others have counted. */
  ratesOf(workload: string): Rates {
    const oldest = this.#scrapes[0];
    const newest = this.#scrapes.at(-1);
    const seconds = Math.max(1, ((newest?.at ?? 0) - (oldest?.at ?? 0)) / 1000);
    const growths = [...(newest?.callers ?? [])].map(([url, counters]) =>
      growth(oldest?.callers.get(url)?.get(workload), counters.get(workload)),
    );
    return ratesOf(growths, seconds);
  }
}

async function fetchPage(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(500) });
  return response.text();
}
