import type { ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Role } from './supervised-process.js';

const { resolve } = createRequire(import.meta.url);
const inmesh = join(dirname(resolve('@inmesh/cli/package.json')), 'bin/inmesh.js');

/** `inmesh serve` over some folders. When it is started again it keeps its port, where its clients look for it. */
export class ConfigServer implements Role {
  readonly name = 'config-server';
  readonly script = inmesh;
  #xdsPort = 0;

  constructor(private readonly folders: readonly string[]) {}

  get address(): string {
    return `127.0.0.1:${this.#xdsPort}`;
  }

  command() {
    const config = this.folders.flatMap((folder) => ['--config', folder]);
    return {
      args: ['serve', ...config, '--xds-port', `${this.#xdsPort}`, '--debug-port', '0', '--metrics-port', '0'],
    };
  }

  portOf({ stdout }: ChildProcess): Promise<number> {
    return new Promise((resolve) => {
      createInterface({ input: stdout! }).on('line', (line) => {
        const [, port] = /^LISTENING .*\bxds=\S*:(\d+)/.exec(line) ?? [];
        if (port !== undefined) resolve(Number(port));
      });
    });
  }

  async up(port: number): Promise<void> {
    this.#xdsPort = port;
  }
}
