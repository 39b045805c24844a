import { UsageError } from '../command.js';
import { loadReports } from './metrics/load-reports.js';
import type { MetricsSource } from './metrics/metrics-source.js';
import { prometheus } from './metrics/prometheus.js';
import type { Split } from './routes/split.js';
import type { Target } from './target/target.js';

/** The debug port of `inmesh serve`. */
const defaultServer = '127.0.0.1:8080';

export interface MetricsFlags {
  readonly server?: readonly string[] | undefined;
  readonly prometheus?: string | undefined;
}

/** @throws UsageError */
export function checkMetricsFlags({ server, prometheus }: MetricsFlags): void {
  if (server !== undefined && prometheus !== undefined) throw new UsageError('give --server or --prometheus, not both');
  const wrong = server?.find((address) => !/^[^\s/]+:\d+$/.test(address));
  if (wrong !== undefined) throw new UsageError(`--server: ${JSON.stringify(wrong)} is not host:port`);
  if (prometheus !== undefined && !(/^https?:\/\/\S+$/.test(prometheus) && URL.canParse(prometheus))) {
    throw new UsageError(`--prometheus: ${JSON.stringify(prometheus)} is not a URL`);
  }
}

export async function openMetrics(flags: MetricsFlags, target: Target, split: Split): Promise<MetricsSource> {
  if (flags.prometheus === undefined) return loadReports(flags.server ?? [defaultServer]);
  const versions = new Map<string, string>();
  for (const one of [split.canary, ...split.stable]) {
    if (one.subset === undefined) continue;
    const labels = await target.subsetLabels(one);
    versions.set(`${one.host} ${one.subset}`, labels?.version ?? one.subset);
  }
  return prometheus(flags.prometheus.replace(/\/+$/, ''), ({ host, subset }) => versions.get(`${host} ${subset}`));
}
