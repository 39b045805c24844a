import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { debianPeer } from './debian-peer.js';

/** A real Redis on a port of its own that remembers nothing over a restart. */
export class RedisServer {
  readonly #root: string;
  readonly #port: number;
  #process: ChildProcess | undefined;

  private constructor(root: string, port: number) {
    this.#root = root;
    this.#port = port;
  }

  static async start(): Promise<RedisServer> {
    const root = await debianPeer('redis', ['redis-tools', 'redis-server', 'liblzf1', 'libjemalloc2']);
    const server = new RedisServer(root, await freePort());
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.#port}`;
  }

  /** Resolves when it takes connections. */
  async start(): Promise<void> {
    const options = ['--port', String(this.#port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    const child = spawn(join(this.#root, 'usr/bin/redis-server'), options, {
      env: { LD_LIBRARY_PATH: join(this.#root, 'usr/lib/x86_64-linux-gnu') },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#process = child;
    let log = '';
    for await (const chunk of child.stdout) {
      log += chunk;
      if (log.includes('Ready to accept connections')) break;
    }
    if (!log.includes('Ready to accept connections')) throw new Error(`redis-server did not start:\n${log}`);
  }

  /** As a machine that loses power. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** Takes connections and answers nothing, until it goes on. */
  pause(): void {
    this.#process?.kill('SIGSTOP');
  }

  goOn(): void {
    this.#process?.kill('SIGCONT');
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
