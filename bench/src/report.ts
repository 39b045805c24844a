import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Measurement, Rounds } from './rounds.js';
import type { Row } from './statistics.js';

export interface Results {
  readonly suite: string;
  /** What a ratio is to, in words. */
  readonly baseline: string;
  /** The variant that is the baseline again: a run in which it leaves 0.95 to 1.05 is void. */
  readonly control: string;
  readonly plan: Rounds;
  readonly backend: string;
  readonly measurements: readonly Measurement[];
  readonly summary: readonly Row[];
}

/** Prints ratios to the baseline; absolute times are this machine's and stand in the results for the record only. */
export function printTable(results: Results): void {
  process.stdout.write(`${renderTable(results)}\n`);
}

export function renderTable({ summary, baseline, control, backend }: Results): string {
  const lines = [
    `Client CPU a request as a ratio to ${baseline}, Node ${process.version}, backend ${backend}`,
    '',
    '| variant | c | CPU ratio (95 %) | p50 ratio |',
    '| --- | --- | --- | --- |',
    ...summary.map(
      (row) =>
        `| ${row.variant} | ${row.concurrency} | ${row.cpuRatio.toFixed(2)} (${row.low.toFixed(2)}-${row.high.toFixed(2)}) | ${row.p50Ratio.toFixed(2)} |`,
    ),
    '',
    ...summary.filter((row) => row.variant === control).map(controlLine),
  ];
  return lines.join('\n');
}

function controlLine({ concurrency, cpuRatio }: Row): string {
  const holds = cpuRatio >= 0.95 && cpuRatio <= 1.05;
  return `A/A control at c=${concurrency}: ${cpuRatio.toFixed(3)}${holds ? '' : ', outside 0.95 to 1.05: THIS RUN IS VOID'}`;
}

/** Writes `bench/results/SUITE-DATE.json` with the raw numbers and the table beside it. */
export function writeResults(results: Results): void {
  const folder = fileURLToPath(new URL('../results/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  const date = new Date().toISOString().slice(0, 10);
  const machine = { node: process.version, versions: process.versions, cpus: cpus().map((cpu) => cpu.model), date };
  const file = `${folder}${results.suite}-${date}`;
  writeFileSync(`${file}.json`, `${JSON.stringify({ machine, ...results }, null, 1)}\n`);
  writeFileSync(`${file}.md`, `${renderTable(results)}\n`);
}
