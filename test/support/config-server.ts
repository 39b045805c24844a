import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const bin = fileURLToPath(new URL('../../packages/cli/bin/inmesh.js', import.meta.url));

/** `inmesh serve` as a process of its own. */
export interface ConfigServer {
  readonly xds: string;
  readonly debug: string;
  readonly metrics: string;
  readonly process: ChildProcess;
  /** All of stderr so far. */
  log(): string;
  kill(signal?: NodeJS.Signals): Promise<void>;
}

export async function startConfigServer(folder: string, { xdsPort = 0 } = {}): Promise<ConfigServer> {
  const args = ['serve', '--config', folder, '--xds-port', String(xdsPort), '--metrics-port', '0', '--debug-port', '0'];
  const child = spawn(process.execPath, [bin, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  child.stderr.on('data', (chunk) => {
    log += chunk;
  });
  const line = await firstLine(child, () => log);
  const [, xds, debug, metrics] = /^LISTENING xds=(\S+) debug=(\S+) metrics=(\S+)$/.exec(line) ?? [];
  const kill = async (signal: NodeJS.Signals = 'SIGTERM') => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  };
  return { xds: xds!, debug: debug!, metrics: metrics!, process: child, log: () => log, kill };
}

async function firstLine(child: ChildProcess, log: () => string): Promise<string> {
  let text = '';
  const ended = once(child, 'exit').then(() => {
    throw new Error(`inmesh serve ended before it was ready: ${log()}`);
  });
  for (;;) {
    const [chunk] = await Promise.race([once(child.stdout!, 'data'), ended]);
    text += chunk;
    const end = text.indexOf('\n');
    if (end >= 0) return text.slice(0, end);
  }
}
