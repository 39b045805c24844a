import type { ForkOptions } from 'node:child_process';
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

const canPin = availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0;

/** Fork options that keep a child on one CPU where the system has `taskset`. */
export function pinned(cpu: number): ForkOptions {
  if (!canPin) return { execArgv: [] };
  return { execPath: 'taskset', execArgv: ['-c', String(cpu), process.execPath] };
}
