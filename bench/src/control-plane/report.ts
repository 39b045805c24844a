import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { median } from '../statistics.js';
import type { Usage } from './messages.js';

export interface Round {
  readonly change: string;
  /** From the save of the file to each client, in ms. */
  readonly delays: readonly number[];
  /** Of the server. */
  readonly cpuMs: number;
}

export interface ScaleResults {
  readonly plan: { readonly services: number; readonly endpoints: number; readonly clients: number };
  readonly started: Usage;
  readonly connected: Usage;
  readonly ended: Usage;
  readonly rounds: readonly Round[];
}

export function renderScale({ plan, started, connected, ended, rounds }: ScaleResults): string {
  const changes = [...new Set(rounds.map(({ change }) => change))];
  return [
    `Config server, Node ${process.version}: ${plan.services} services, ${plan.endpoints} endpoints, ${plan.clients} clients (incremental), a folder as its source`,
    '',
    '| server | CPU so far, ms | RSS, MB | heap, MB |',
    '| --- | --- | --- | --- |',
    ...[usageRow('started', started), usageRow('all clients served', connected), usageRow('after the changes', ended)],
    '',
    '| change | rounds | save -> client p50, ms | p99, ms | save -> last client, median, ms | server CPU, median, ms |',
    '| --- | --- | --- | --- | --- | --- |',
    ...changes.map((change) =>
      changeRow(
        change,
        rounds.filter((round) => round.change === change),
      ),
    ),
    '',
    `Load of the machine: ${loadavg()[0]!.toFixed(1)} on ${cpus().length} CPUs. Of each save some 100 ms are the folder's wait for the next one.`,
  ].join('\n');
}

function usageRow(name: string, { cpuMs, rssMb, heapMb }: Usage): string {
  return `| ${name} | ${cpuMs.toFixed(0)} | ${rssMb.toFixed(0)} | ${heapMb.toFixed(0)} |`;
}

function changeRow(change: string, rounds: readonly Round[]): string {
  const delays = rounds.flatMap((round) => round.delays).sort((a, b) => a - b);
  const at = (share: number) => delays[Math.min(delays.length - 1, Math.floor(delays.length * share))]!.toFixed(0);
  const last = median(rounds.map((round) => Math.max(...round.delays))).toFixed(0);
  const cpu = median(rounds.map(({ cpuMs }) => cpuMs)).toFixed(0);
  return `| ${change} | ${rounds.length} | ${at(0.5)} | ${at(0.99)} | ${last} | ${cpu} |`;
}

/** Writes `bench/results/control-plane-DATE.json` and the tables beside it. */
export function writeScale(results: ScaleResults): void {
  const folder = fileURLToPath(new URL('../../results/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  const date = new Date().toISOString().slice(0, 10);
  const machine = { node: process.version, cpus: cpus().map((cpu) => cpu.model), load: loadavg(), date };
  writeFileSync(`${folder}control-plane-${date}.json`, `${JSON.stringify({ machine, ...results }, null, 1)}\n`);
  writeFileSync(`${folder}control-plane-${date}.md`, `${renderScale(results)}\n`);
}
