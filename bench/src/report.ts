import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Measurement, Rounds } from './rounds.js';
import type { Row } from './statistics.js';

const control = 'raw-pool-again';

/** Prints ratios to raw undici; absolute times are this machine's and stand in the results for the record only. */
export function printTable(rows: readonly Row[], backend: string): void {
  process.stdout.write(`${renderTable(rows, backend)}\n`);
}

export function renderTable(rows: readonly Row[], backend: string): string {
  const lines = [
    `Client CPU a request as a ratio to raw undici Pool.request + text(), Node ${process.version}, backend ${backend}`,
    '',
    '| variant | c | CPU ratio (95 %) | p50 ratio |',
    '| --- | --- | --- | --- |',
    ...rows.map(
      (row) =>
        `| ${row.variant} | ${row.concurrency} | ${row.cpuRatio.toFixed(2)} (${row.low.toFixed(2)}-${row.high.toFixed(2)}) | ${row.p50Ratio.toFixed(2)} |`,
    ),
    '',
    ...rows.filter((row) => row.variant === control).map(controlLine),
  ];
  return lines.join('\n');
}

function controlLine({ concurrency, cpuRatio }: Row): string {
  const holds = cpuRatio >= 0.95 && cpuRatio <= 1.05;
  return `A/A control at c=${concurrency}: ${cpuRatio.toFixed(3)}${holds ? '' : ', outside 0.95 to 1.05: THIS RUN IS VOID'}`;
}

/** Writes `bench/results/http-DATE.json` with the raw numbers and the table beside it. */
export function writeResults(results: {
  plan: Rounds;
  backend: string;
  measurements: readonly Measurement[];
  summary: readonly Row[];
}): void {
  const folder = fileURLToPath(new URL('../results/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  const date = new Date().toISOString().slice(0, 10);
  const machine = { node: process.version, versions: process.versions, cpus: cpus().map((cpu) => cpu.model), date };
  writeFileSync(`${folder}http-${date}.json`, `${JSON.stringify({ machine, ...results }, null, 1)}\n`);
  writeFileSync(`${folder}http-${date}.md`, `${renderTable(results.summary, results.backend)}\n`);
}
