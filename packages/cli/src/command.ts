import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { Io } from './io.js';

export interface Command {
  /** One line for the list of commands. */
  readonly summary: string;
  readonly help: string;
  /** Returns the exit code. */
  run(argv: readonly string[], io: Io): Promise<number>;
}

/** The command line itself is wrong: exit code 2. */
export class UsageError extends Error {}

/** `parseArgs` with its complaints as usage errors. */
export function parseFlags<Config extends ParseArgsConfig>(
  argv: readonly string[],
  config: Config,
): ReturnType<typeof parseArgs<Config & { args: string[] }>> {
  try {
    return parseArgs({ ...config, args: [...argv] });
  } catch (error) {
    throw new UsageError((error as Error).message.split('. To specify')[0]);
  }
}

export function parsePort(value: string | undefined, flag: string): number | undefined {
  if (value === undefined) return undefined;
  const port = /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN;
  if (port <= 65_535) return port;
  throw new UsageError(`${flag}: ${JSON.stringify(value)} is not a port from 0 to 65535`);
}

/** At least one value, none of them empty. */
export function requirePaths(values: readonly string[] | undefined, what: string): readonly string[] {
  if (values === undefined || values.length === 0 || values.includes('')) throw new UsageError(`${what} is missing`);
  return values;
}
