import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { median } from '../statistics.js';
import type { SourceName, Usage } from './messages.js';
import type { ObjectMemory } from './object-memory.js';

export interface Round {
  readonly change: string;
  /** From the change to each client, in ms. */
  readonly delays: readonly number[];
  /** Of each server. */
  readonly cpuMs: readonly number[];
}

export interface ScaleResults {
  readonly plan: {
    readonly services: number;
    readonly endpoints: number;
    readonly clients: number;
    readonly replicas: number;
    readonly source: SourceName;
  };
  /** From when a change counts. */
  readonly begin: string;
  readonly remarks: readonly string[];
  /** Of each server, and so below. */
  readonly started: readonly Usage[];
  readonly connected: readonly Usage[];
  readonly ended: readonly Usage[];
  readonly rounds: readonly Round[];
  readonly objects?: ObjectMemory | undefined;
}

const sourceNames: Readonly<Record<SourceName, string>> = { folder: 'a folder', kubernetes: 'an API server' };

export function renderScale(results: ScaleResults): string {
  const { plan, begin, remarks, started, connected, ended, rounds, objects } = results;
  const changes = [...new Set(rounds.map(({ change }) => change))];
  return [
    `Config server, Node ${process.version}: ${plan.services} services, ${plan.endpoints} endpoints, ${plan.clients} clients (incremental), ${plan.replicas} ${plan.replicas === 1 ? 'server' : 'servers'} with ${sourceNames[plan.source]} as source`,
    '',
    '| server | CPU so far, ms | RSS, MB | heap, MB |',
    '| --- | --- | --- | --- |',
    ...[
      usageRows('started', started),
      usageRows('all clients served', connected),
      usageRows('after the changes', ended),
    ].flat(),
    '',
    ...(objects === undefined ? [] : [objectsLine(objects), '']),
    `From ${begin} to a client, and CPU of each server:`,
    '',
    '| change | rounds | p50, ms | p99, ms | the last client, median, ms | CPU, median, ms |',
    '| --- | --- | --- | --- | --- | --- |',
    ...changes.map((change) =>
      changeRow(
        change,
        rounds.filter((round) => round.change === change),
      ),
    ),
    '',
    [`Load of the machine: ${loadavg()[0]!.toFixed(1)} on ${cpus().length} CPUs.`, ...remarks].join(' ').trim(),
  ].join('\n');
}

function objectsLine({ objects, wholeMb, keptMb }: ObjectMemory): string {
  const [whole, kept] = [wholeMb, keptMb].map((mb) => mb.toFixed(1));
  return `Of ${objects} Pods and EndpointSlices the server keeps ${kept} MB of heap; as the API server sends them they are ${whole} MB (more where a kubelet writes their status).`;
}

function usageRows(name: string, usages: readonly Usage[]): string[] {
  return usages.map((usage, index) => usageRow(usages.length === 1 ? name : `${name} (${index + 1})`, usage));
}

function usageRow(name: string, { cpuMs, rssMb, heapMb }: Usage): string {
  return `| ${name} | ${cpuMs.toFixed(0)} | ${rssMb.toFixed(0)} | ${heapMb.toFixed(0)} |`;
}

function changeRow(change: string, rounds: readonly Round[]): string {
  const delays = rounds.flatMap((round) => round.delays).sort((a, b) => a - b);
  const at = (share: number) => delays[Math.min(delays.length - 1, Math.floor(delays.length * share))]!.toFixed(0);
  const last = median(rounds.map((round) => Math.max(...round.delays))).toFixed(0);
  const cpu = median(rounds.flatMap(({ cpuMs }) => cpuMs)).toFixed(0);
  return `| ${change} | ${rounds.length} | ${at(0.5)} | ${at(0.99)} | ${last} | ${cpu} |`;
}

/** Writes `bench/results/control-plane-[kubernetes-[N-replicas-]]DATE.json` and the tables beside it. */
export function writeScale(results: ScaleResults): void {
  const folder = fileURLToPath(new URL('../../results/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  const date = new Date().toISOString().slice(0, 10);
  const machine = { node: process.version, cpus: cpus().map((cpu) => cpu.model), load: loadavg(), date };
  const { source, replicas } = results.plan;
  const parts = [source === 'folder' ? [] : [source], replicas === 1 ? [] : [`${replicas}-replicas`]].flat();
  const name = ['control-plane', ...parts, date].join('-');
  writeFileSync(`${folder}${name}.json`, `${JSON.stringify({ machine, ...results }, null, 1)}\n`);
  writeFileSync(`${folder}${name}.md`, `${renderScale(results)}\n`);
}
