import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { isRecord } from '@inmesh/config';
import type { Weights } from './routes/split.js';

/** Of `inmesh canary`: how it is judged, which whoever goes on does alike. */
export const analysisFlags = [
  'interval',
  'success-rate',
  'max-latency-p99',
  'min-requests',
  'analysis-windows',
  'max-wait',
  'settle',
] as const;

export type AnalysisFlag = (typeof analysisFlags)[number];

/** As they were written. */
export type AnalysisFlags = { readonly [Name in AnalysisFlag]?: string };

/** What a canary leaves behind at its object, so that another process can go on with it. Short names: it is an annotation. */
export interface CanaryRecord {
  /** Of one process: each that goes on has another. */
  readonly run: string;
  readonly to: string;
  /** In percent. */
  readonly steps: readonly number[];
  /** Which of them the weights are at. */
  readonly step: number;
  /** ISO 8601, as `renewed`. */
  readonly started: string;
  /** What it goes back to. */
  readonly original: Weights;
  /** Of the version, where it had to be said. */
  readonly host?: string | undefined;
  /** Those that were given; none in the record of an older version. */
  readonly flags?: AnalysisFlags | undefined;
  /** The 99th percentile of the stable version in ms, when it had traffic last. */
  readonly stableP99Ms?: number | undefined;
  /** `host/pid/id` of who is at work; undefined once that has stopped in order. */
  readonly holder?: string | undefined;
  /** When the holder said last that it is there. */
  readonly renewed: string;
}

export const annotation = 'inmesh.dev/canary';

/** A holder that has said nothing for so long is gone. */
export const leaseMs = 30_000;
export const renewMs = 10_000;

/** One who says nothing for so long does not look: `--force` takes its place. */
export const silentMs = 2 * renewMs;

/** With an id of its own: in a container that starts anew host and pid are the same again. */
export const ownHolder = `${hostname()}/${process.pid}/${randomBytes(3).toString('hex')}`;

export function newRun(): string {
  return randomBytes(6).toString('hex');
}

/** @throws Error for one that nobody can go on with */
export function parseRecord(text: string, where: string): CanaryRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {}
  if (!isRecord(value) || !isWhole(value)) {
    throw new Error(`${where} is no state of a canary: remove it, once the weights are what they should be`);
  }
  return value as unknown as CanaryRecord;
}

export function formatRecord(record: CanaryRecord): string {
  return JSON.stringify(record);
}

function isWhole(record: Readonly<Record<string, unknown>>): boolean {
  const { run, to, steps, step, started, renewed, original, host = '', stableP99Ms = 0, flags = {} } = record;
  if (typeof host !== 'string' || typeof stableP99Ms !== 'number') return false;
  if (!isRecord(flags) || !Object.values(flags).every((flag) => typeof flag === 'string')) return false;
  const areTexts = [run, to, started, renewed].every((text) => typeof text === 'string');
  const isStep =
    Array.isArray(steps) && steps.every(Number.isInteger) && Number.isInteger(step) && Number(step) in steps;
  return areTexts && isStep && Array.isArray(original) && original.every((weights) => Array.isArray(weights));
}

/**
 * Whether somebody else is at work: one who has said so lately. On the same machine it is known at once when they are gone, and
 * whoever had the pid of this process is.
 */
export function isHeld({ holder, renewed }: CanaryRecord, nowMs: number, quietMs = leaseMs): boolean {
  if (holder === undefined || nowMs - Date.parse(renewed) >= quietMs) return false;
  const [host, pid] = holder.split('/');
  return host !== hostname() || (Number(pid) !== process.pid && isAlive(Number(pid))) || holder === ownHolder;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
