import type { Measurement } from './rounds.js';

export interface Row {
  readonly variant: string;
  readonly concurrency: number;
  /** CPU against the baseline: the median of the rounds' ratios, and its 95 % bootstrap interval. */
  readonly cpuRatio: number;
  readonly low: number;
  readonly high: number;
  readonly p50Ratio: number;
  readonly cpuMicros: number;
}

/** Ratios are taken within a round: the two sides of a ratio have seen the same machine. */
export function summarize(measurements: readonly Measurement[], baseline: string): Row[] {
  const rows: Row[] = [];
  const groups = new Map<string, Measurement[]>();
  for (const m of measurements) {
    const key = `${m.concurrency}|${m.variant}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [m]);
    else group.push(m);
  }
  for (const group of groups.values()) {
    const { variant, concurrency } = group[0]!;
    const base = groups.get(`${concurrency}|${baseline}`)!;
    const ratios = group.map((m) => m.cpuMicros / base.find((b) => b.round === m.round)!.cpuMicros);
    const latencies = group.map((m) => m.p50Micros / base.find((b) => b.round === m.round)!.p50Micros);
    const [low, high] = bootstrap(ratios);
    rows.push({
      variant,
      concurrency,
      cpuRatio: median(ratios),
      low,
      high,
      p50Ratio: median(latencies),
      cpuMicros: median(group.map((m) => m.cpuMicros)),
    });
  }
  return rows;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function bootstrap(values: readonly number[], resamples = 2000): [number, number] {
  const medians = Array.from({ length: resamples }, () =>
    median(values.map(() => values[Math.floor(Math.random() * values.length)]!)),
  ).sort((a, b) => a - b);
  return [medians[Math.floor(resamples * 0.025)]!, medians[Math.floor(resamples * 0.975)]!];
}
