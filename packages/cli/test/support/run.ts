import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { main } from '../../src/main.js';

const bin = fileURLToPath(new URL('../../bin/inmesh.js', import.meta.url));

/** The command in this process. */
export async function run(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const collect = { out: { write: (text: string) => (out += text) }, err: { write: (text: string) => (err += text) } };
  const code = await main(argv, collect);
  return { code, out, err };
}

/** The command as a process of its own, as it was built. */
export class Running {
  out = '';
  err = '';
  readonly process: ChildProcess;
  readonly #exit: Promise<number | NodeJS.Signals>;

  constructor(argv: readonly string[], env: Record<string, string> = {}) {
    this.process = spawn(process.execPath, [bin, ...argv], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    this.process.stdout!.on('data', (chunk) => (this.out += chunk));
    this.process.stderr!.on('data', (chunk) => (this.err += chunk));
    this.#exit = once(this.process, 'close').then(([code, signal]) => code ?? signal);
  }

  get exit(): Promise<number | NodeJS.Signals> {
    return this.#exit;
  }

  /** `xds`, `debug` and `metrics` of the LISTENING line; undefined until it is there. */
  get addresses(): Record<string, string> | undefined {
    const [, line] = /^LISTENING (.*)\n/m.exec(this.out) ?? [];
    return line === undefined ? undefined : Object.fromEntries(line.split(' ').map((pair) => pair.split('=')));
  }

  async close(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.exit;
  }
}
