import { isRecord } from '@inmesh/config';
import { type Counter, nothing, sumOf, type Tally } from '../analysis/tally.js';
import type { Destination } from '../routes/destination.js';
import { getJson } from './get-json.js';
import type { MetricsSource } from './metrics-source.js';

/**
 * What clients report to config servers by LRS, as their debug ports show it. A client reports to the one server that it is
 * connected to, so that all of them are asked and added up. One that is away is a problem; all of them are an error.
 * @param servers `host:port` of the debug ports
 */
export function loadReports(servers: readonly string[]): MetricsSource {
  const ports = servers.map((server) => new DebugPort(server));
  let reportIntervalMs = defaultIntervalMs;
  return {
    description: `the load reports of ${servers.join(', ')}`,
    get settleMs() {
      return reportIntervalMs + Math.min(reportIntervalMs, onTheWayMs);
    },
    async read(canary, stable, signal) {
      const settled = await Promise.allSettled(ports.map((port) => port.read(signal)));
      const pages = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      const problems = settled.flatMap((one) => (one.status === 'rejected' ? [(one.reason as Error).message] : []));
      if (pages.length === 0) throw new Error(problems.join('; '));
      const read = (destinations: readonly Destination[]) =>
        new Map(pages.map((page) => [page.source, counterOf(page, destinations)]));
      reportIntervalMs = Math.max(...pages.map((page) => page.reportIntervalMs));
      const isUnknown = !pages.some(({ totals }) => totals.some((total) => isOfAny(total, [...canary, ...stable])));
      return { canary: read(canary), stable: read(stable), problems, reportIntervalMs, isUnknown };
    },
  };
}

/** Of config servers that do not tell theirs. */
const defaultIntervalMs = 10_000;

/** Clients hear of new weights a moment later, and their reports take one too. */
const onTheWayMs = 1000;

type Fields = Readonly<Record<string, unknown>>;

interface Page {
  /** A server that has begun anew is another one: it counts from nothing. */
  readonly source: string;
  readonly totals: readonly Fields[];
  readonly bounds: readonly number[];
  readonly reportIntervalMs: number;
}

class DebugPort {
  #began: unknown;
  readonly #former = new Set<unknown>();

  constructor(private readonly server: string) {}

  async read(signal: AbortSignal | undefined): Promise<Page> {
    const page = await getJson(`http://${this.server}/debug/loads`, undefined, signal);
    if (!isRecord(page) || !Array.isArray(page.totals)) {
      throw new Error(`${this.server} is no debug port of inmesh serve, or that of an older version`);
    }
    this.#check(page.began);
    const bounds = [...numbers(page.durationBoundsMs), Number.POSITIVE_INFINITY];
    const reportIntervalMs = number(page.reportIntervalMs) || defaultIntervalMs;
    return {
      source: `${this.server} ${page.began}`,
      ...{ totals: page.totals.filter(isRecord), bounds, reportIntervalMs },
    };
  }

  /** A restart is seen once; who comes back was never gone. */
  #check(began: unknown): void {
    if (began !== this.#began && this.#began !== undefined) this.#former.add(this.#began);
    this.#began = began;
    if (!this.#former.has(began)) return;
    throw new Error(
      `several config servers answer at ${this.server} in turn: name each of them by a --server of its own`,
    );
  }
}

function counterOf({ totals, bounds }: Page, destinations: readonly Destination[]): Counter {
  return totals
    .filter((total) => isOfAny(total, destinations))
    .reduce<Tally>((sum, total) => sumOf(sum, tallyOf(total, bounds)), nothing);
}

/** Who was not sent anywhere has failed, too. */
function tallyOf(total: Fields, bounds: readonly number[]): Tally {
  const durations = numbers(total.durations).map((count, at): [number, number] => [bounds[at] ?? Number.NaN, count]);
  const failed = number(total.failed) + number(total.dropped);
  return { succeeded: number(total.succeeded), failed, durations: new Map(durations) };
}

function isOfAny({ cluster }: Fields, destinations: readonly Destination[]): boolean {
  return destinations.some((one) => isOf(cluster, one));
}

/** Istio's name of a cluster is `outbound|PORT|SUBSET|HOST`. */
function isOf(cluster: unknown, { host, subset = '' }: Destination): boolean {
  const [direction, , ofSubset, ofHost] = String(cluster).split('|');
  return direction === 'outbound' && ofSubset === subset && ofHost === host;
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function numbers(value: unknown): number[] {
  return Array.isArray(value) ? value.map(number) : [];
}
