import { parseGoDuration } from '@inmesh/config';
import { UsageError } from './command.js';

/** A number above 0. */
export function parseAmount(value: string | undefined, flag: string): number | undefined {
  if (value === undefined) return undefined;
  const amount = /^\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
  if (amount > 0 && Number.isFinite(amount)) return amount;
  throw new UsageError(`${flag}: ${JSON.stringify(value)} is not a number above 0`);
}

/** `30m`, `1h30m`: milliseconds, above 0 and at most `longestMs`. */
export function parseDurationMs(value: string | undefined, flag: string, longestMs: number): number | undefined {
  if (value === undefined) return undefined;
  const parsed = parseGoDuration(value);
  if (!parsed.ok) throw new UsageError(`${flag}: ${parsed.message}`);
  const { seconds, nanos } = parsed.duration;
  const ms = Number(seconds) * 1000 + nanos / 1e6;
  if (ms > 0 && ms <= longestMs) return ms;
  throw new UsageError(`${flag}: ${JSON.stringify(value)} is not above 0 and at most ${longestMs / 3_600_000}h`);
}

/** `NAMESPACE/NAME`. */
export function parseObjectName(value: string | undefined, flag: string) {
  if (value === undefined) return undefined;
  const [, namespace, name] = /^([a-z0-9][a-z0-9-]*)\/([a-z0-9][a-z0-9.-]*)$/.exec(value) ?? [];
  if (namespace !== undefined && name !== undefined) return { namespace, name };
  throw new UsageError(`${flag}: ${JSON.stringify(value)} is not NAMESPACE/NAME`);
}
