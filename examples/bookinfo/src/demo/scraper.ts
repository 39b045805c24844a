import {
  type CountersByKey,
  calledWorkload,
  callerAndCalled,
  growth,
  type Rates,
  ratesOf,
  readCounters,
} from './metrics.js';

/** How far back rates look. */
const windowMs = 5000;

interface Counted {
  readonly byWorkload: CountersByKey;
  readonly byCaller: CountersByKey;
}

export interface CallerRow {
  /** SPIFFE ID. */
  readonly caller: string;
  readonly called: string;
  /** `mutual_tls` or `none`. */
  readonly security: string;
  readonly perSecond: number;
}

/** Does for the table what a Prometheus does for a dashboard. */
export class Scraper {
  readonly #scrapes: { readonly at: number; readonly processes: ReadonlyMap<string, Counted> }[] = [];

  constructor(private readonly fetchText = fetchPage) {}

  /** Reads all of them; what one that does not answer, or is gone, has counted stays as it was. */
  async scrape(urls: readonly string[]): Promise<void> {
    const processes = new Map(this.#scrapes.at(-1)?.processes);
    const texts = await Promise.allSettled(urls.map((url) => this.fetchText(url)));
    for (const [index, text] of texts.entries()) {
      if (text.status === 'fulfilled') processes.set(urls[index]!, counted(text.value));
    }
    const at = Date.now();
    this.#scrapes.push({ at, processes });
    while (this.#scrapes.length > 2 && this.#scrapes[1]!.at <= at - windowMs) this.#scrapes.shift();
  }

  /** Of calls to a workload, as its callers see them. */
  ratesOf(workload: string): Rates {
    return this.#rates('byWorkload', workload);
  }

  /** Who has called whom of late. */
  callers(): CallerRow[] {
    const processes = [...(this.#scrapes.at(-1)?.processes.values() ?? [])];
    const keys = new Set(processes.flatMap(({ byCaller }) => [...byCaller.keys()]));
    return [...keys].sort().map((key) => {
      const [caller = '', called = '', security = ''] = key.split(' ');
      return { caller, called, security, perSecond: this.#rates('byCaller', key).perSecond };
    });
  }

  /** Each process's counters are compared with its own: the end of one would else hide what the others have counted. */
  #rates(table: keyof Counted, key: string): Rates {
    const oldest = this.#scrapes[0];
    const newest = this.#scrapes.at(-1);
    const seconds = Math.max(1, ((newest?.at ?? 0) - (oldest?.at ?? 0)) / 1000);
    const growths = [...(newest?.processes ?? [])].map(([url, now]) =>
      growth(oldest?.processes.get(url)?.[table].get(key), now[table].get(key)),
    );
    return ratesOf(growths, seconds);
  }
}

function counted(text: string): Counted {
  return { byWorkload: readCounters(text, calledWorkload), byCaller: readCounters(text, callerAndCalled) };
}

async function fetchPage(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(500) });
  return response.text();
}
