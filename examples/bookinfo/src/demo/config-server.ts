import type { ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Identities } from './identities.js';
import type { Role } from './supervised-process.js';

const { resolve } = createRequire(import.meta.url);
const inmesh = join(dirname(resolve('@inmesh/cli/package.json')), 'bin/inmesh.js');

/**
 * `inmesh serve` over some folders, with a certificate authority. When it is started again it keeps its ports, where its
 * clients look for it.
 */
export class ConfigServer implements Role {
  readonly name = 'config-server';
  readonly script = inmesh;
  #xdsPort = 0;
  #tlsPort = 0;

  constructor(
    private readonly folders: readonly string[],
    private readonly identities: Identities,
  ) {}

  /** For who only looks. */
  get address(): string {
    return `127.0.0.1:${this.#xdsPort}`;
  }

  /** Configuration and certificates, for those who prove who they are. */
  get tlsAddress(): string {
    return `localhost:${this.#tlsPort}`;
  }

  command() {
    const config = this.folders.flatMap((folder) => ['--config', folder]);
    const ports = ['--xds-port', `${this.#xdsPort}`, '--tls-port', `${this.#tlsPort}`];
    return {
      args: ['serve', ...config, ...ports, '--debug-port', '0', '--metrics-port', '0', ...this.identities.flags],
    };
  }

  portOf({ stdout }: ChildProcess): Promise<number> {
    return new Promise((resolve) => {
      createInterface({ input: stdout! }).on('line', (line) => {
        const [, xds, tls] = /^LISTENING .*\bxds=\S*:(\d+).*\btls=\S*:(\d+)/.exec(line) ?? [];
        if (xds === undefined) return;
        this.#tlsPort = Number(tls);
        resolve(Number(xds));
      });
    });
  }

  async up(port: number): Promise<void> {
    this.#xdsPort = port;
  }
}
