import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { waitFor } from './wait-for.js';

export interface PeerProcessOptions {
  readonly binary: string;
  readonly args: readonly string[];
  /** Where its output is added to. */
  readonly logFile: string;
  /** Beside the environment of the test. */
  readonly env?: Readonly<Record<string, string>>;
}

const shownOfLog = 4_000;

/** A program of another project that runs until it is killed, at the latest with the test's own process. */
export class PeerProcess {
  readonly #process: ChildProcess;
  readonly #logFile: string;

  constructor({ binary, args, logFile, env }: PeerProcessOptions) {
    const log = openSync(logFile, 'a');
    // The kernel ends it with the test's process, however that ends: vitest kills one that hangs.
    this.#process = spawn('setpriv', ['--pdeathsig', 'KILL', binary, ...args], {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...env },
    });
    closeSync(log);
    this.#logFile = logFile;
  }

  get pid(): number {
    return this.#process.pid!;
  }

  get hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** The end of what it said. */
  get log(): string {
    return readFileSync(this.#logFile, 'utf8').slice(-shownOfLog);
  }

  /** @throws with the end of its log when it ends, or the condition does not hold in 60 s */
  async ready(what: string, condition: () => Promise<boolean>): Promise<void> {
    const log = () => this.log;
    await waitFor(what, async () => this.hasEnded || (await condition().catch(() => false)), { bound: 60_000, log });
    if (this.hasEnded) throw new Error(`ended before ${what}:\n${this.log}`);
  }

  /** Resolves when it has ended. Default: as a machine that loses power. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.hasEnded) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill(signal);
    await ended;
  }
}
