import { addCounters, type Counters, type Rates, ratesBetween } from './metrics.js';

/** How far back rates look. */
const windowMs = 5000;

/** Does for the table what a Prometheus does for a dashboard. */
export class Scraper {
  readonly #scrapes: { readonly at: number; readonly counters: ReadonlyMap<string, Counters> }[] = [];

  /** Reads all of them; one that does not answer is left out. */
  async scrape(urls: readonly string[]): Promise<void> {
    const counters = new Map<string, Counters>();
    const texts = await Promise.allSettled(urls.map(fetchText));
    for (const text of texts) if (text.status === 'fulfilled') addCounters(text.value, counters);
    const at = Date.now();
    this.#scrapes.push({ at, counters });
    while (this.#scrapes.length > 2 && this.#scrapes[1]!.at <= at - windowMs) this.#scrapes.shift();
  }

  ratesOf(workload: string): Rates {
    const oldest = this.#scrapes[0];
    const newest = this.#scrapes.at(-1);
    const seconds = Math.max(1, ((newest?.at ?? 0) - (oldest?.at ?? 0)) / 1000);
    return ratesBetween(oldest?.counters.get(workload), newest?.counters.get(workload), seconds);
  }
}

async function fetchText(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(500) });
  return response.text();
}
