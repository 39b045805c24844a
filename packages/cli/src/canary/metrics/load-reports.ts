import { isRecord } from '@inmesh/config';
import type { Counter, Counters } from '../analysis/tally.js';
import type { Destination } from '../routes/destination.js';
import { getJson } from './get-json.js';
import type { MetricsSource } from './metrics-source.js';

/**
 * What clients report to config servers by LRS, as their debug ports show it. A client reports to the one server that it is
 * connected to, so that all of them are asked and added up.
 * @param servers `host:port` of the debug ports
 */
export function loadReports(servers: readonly string[]): MetricsSource {
  return {
    description: `the load reports of ${servers.join(', ')}`,
    async read(canary, stable) {
      const pages = await Promise.all(servers.map((server) => getJson(`http://${server}/debug/loads`)));
      const read = (destinations: readonly Destination[]) =>
        new Map(pages.flatMap((page, at) => [...countersOf(page, servers[at]!, destinations)]));
      return { canary: read(canary), stable: read(stable) };
    },
  };
}

function countersOf(page: unknown, server: string, destinations: readonly Destination[]): Counters {
  if (!isRecord(page) || !Array.isArray(page.totals)) {
    throw new Error(`${server} is no debug port of inmesh serve, or that of an older version`);
  }
  const bounds = [...numbers(page.durationBoundsMs), Number.POSITIVE_INFINITY];
  const totals = page.totals.filter(isRecord).filter(({ cluster }) => destinations.some((one) => isOf(cluster, one)));
  // A server that has begun anew counts from nothing.
  return new Map(totals.map((total) => [`${server} ${page.began} ${total.cluster}`, counterOf(total, bounds)]));
}

function counterOf(total: Readonly<Record<string, unknown>>, bounds: readonly number[]): Counter {
  const durations = numbers(total.durations).map((count, at): [number, number] => [bounds[at] ?? Number.NaN, count]);
  return { succeeded: number(total.succeeded), failed: number(total.failed), durations: new Map(durations) };
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
