import { type ChildProcess, fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const preload = new URL('child-preload.js', import.meta.url).href;
const firstBackoffMs = 250;
const longestBackoffMs = 5000;
/** One that ran for this long starts with the first back-off again. */
const stableMs = 10_000;
const killAfterMs = 3000;

export interface Role {
  readonly name: string;
  readonly script: URL | string;
  /** Asked for at each start. */
  command(): { args?: string[]; environment?: NodeJS.ProcessEnv };
  /** Waits until the process listens. */
  portOf(child: ChildProcess): Promise<number>;
  /** It listens, for the first time or again. */
  up(port: number): Promise<void>;
  down?(): Promise<void>;
}

type State =
  | { readonly kind: 'running'; readonly child: ChildProcess; readonly since: number }
  | { readonly kind: 'waiting'; readonly timer: NodeJS.Timeout }
  | { readonly kind: 'stopped' };

/** A child process that is started again, after a while, when it dies. */
export class SupervisedProcess {
  #state: State = { kind: 'stopped' };
  #backoffMs = firstBackoffMs;
  /** Until it is up for the first time. */
  #firstStart: { resolve(): void; reject(error: Error): void } | undefined;

  constructor(
    private readonly role: Role,
    private readonly say: (line: string) => void,
  ) {}

  /** Settles when it is up for the first time. What cannot even start is not tried again. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#firstStart = { resolve, reject };
      this.#launch();
    });
  }

  /** Lets it end by itself; kills it when that takes too long. */
  async stop(): Promise<void> {
    const state = this.#leave();
    if (state.kind !== 'running') return;
    const { child } = state;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    await ended;
    clearTimeout(timer);
  }

  kill(): void {
    const state = this.#leave();
    if (state.kind === 'running') state.child.kill('SIGKILL');
  }

  #leave(): State {
    const state = this.#state;
    this.#state = { kind: 'stopped' };
    if (state.kind === 'waiting') clearTimeout(state.timer);
    return state;
  }

  #launch(): void {
    const { role } = this;
    const { args = [], environment = {} } = role.command();
    const child = fork(typeof role.script === 'string' ? role.script : fileURLToPath(role.script), args, {
      execArgv: ['--import', preload],
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#state = { kind: 'running', child, since: Date.now() };
    for (const output of [child.stdout, child.stderr]) this.#pass(output!);
    child.once('exit', (code, signal) => void this.#ended(signal ?? `exit code ${code}`));
    void this.#waitUntilUp(child);
  }

  async #waitUntilUp(child: ChildProcess): Promise<void> {
    await this.role.up(await this.role.portOf(child));
    this.#firstStart?.resolve();
    this.#firstStart = undefined;
  }

  #pass(output: NodeJS.ReadableStream): void {
    createInterface({ input: output }).on('line', (line) => this.say(`${this.role.name}: ${line}`));
  }

  async #ended(how: string): Promise<void> {
    if (this.#state.kind !== 'running') return; // It was told to.
    if (this.#firstStart !== undefined) {
      this.#state = { kind: 'stopped' };
      this.#firstStart.reject(new Error(`${this.role.name} did not start (${how})`));
      return;
    }
    const ranMs = Date.now() - this.#state.since;
    if (ranMs > stableMs) this.#backoffMs = firstBackoffMs;
    this.say(`${this.role.name} ended unexpectedly (${how}); starting it again in ${this.#backoffMs} ms`);
    this.#state = { kind: 'waiting', timer: setTimeout(() => this.#launch(), this.#backoffMs) };
    this.#backoffMs = Math.min(2 * this.#backoffMs, longestBackoffMs);
    await this.role.down?.();
  }
}
