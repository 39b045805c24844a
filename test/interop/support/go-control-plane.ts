import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { goProgram } from './go-program.js';

/** What a snapshot of go-control-plane's test resources has. */
export interface WantedSnapshot {
  readonly version: string;
  /** Of the backend behind all clusters. */
  readonly upstreamPort: number;
  /** Of the first socket listener; the others follow. */
  readonly basePort?: number;
  readonly httpListeners?: number;
  readonly tcpListeners?: number;
  readonly tls?: boolean;
  /** How resources refer to each other. */
  readonly xds?: 'ads' | 'delta-ads' | 'xds' | 'delta';
  /** Names of listeners as gRPC clients dial them. */
  readonly apiListeners?: readonly string[];
}

interface ServerEvent {
  readonly event: 'listening' | 'serving' | 'ack' | 'nack' | 'sotw' | 'delta';
  readonly detail: string;
}

/** go-control-plane's cache and server as a process, with its own test resources. */
export class GoControlPlane {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly events: ServerEvent[] = [];

  private constructor(binary: string, args: readonly string[]) {
    this.#process = spawn(binary, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.#process.stdout }).on('line', (line) => this.events.push(JSON.parse(line)));
  }

  /** Resolves when it takes connections. */
  static async start(variant: 'incremental' | 'state of the world'): Promise<GoControlPlane> {
    const args = variant === 'incremental' ? [] : ['-sotw'];
    const server = new GoControlPlane(await goProgram('go-control-plane'), args);
    await once(server.#process.stdout, 'data');
    return server;
  }

  get uri(): string {
    return this.of('listening')[0]!;
  }

  of(event: ServerEvent['event']): string[] {
    return this.events.filter((one) => one.event === event).map(({ detail }) => detail);
  }

  serve({ xds = 'ads', basePort = 9000, httpListeners = 0, tcpListeners = 0, ...rest }: WantedSnapshot): void {
    const wanted = { xds, basePort, httpListeners, tcpListeners, ...rest };
    this.#process.stdin.write(`${JSON.stringify(wanted)}\n`);
  }

  kill(): Promise<void> {
    return end(this.#process);
  }
}

/** Its example server, as it comes: one cluster by DNS, one route, one socket listener on port 10000. */
export async function startExampleServer(port: number): Promise<{ kill(): Promise<void> }> {
  const binary = await goProgram('go-control-plane', {
    package: 'github.com/envoyproxy/go-control-plane/internal/example/main',
    as: 'example-of-go-control-plane',
  });
  const args = ['-port', String(port), '-nodeID', exampleNode];
  const child = spawn(binary, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  for await (const chunk of child.stderr.iterator({ destroyOnReturn: false })) {
    if (String(chunk).includes('listening')) break;
  }
  child.stderr.resume();
  return { kill: () => end(child) };
}

/** The node whose snapshot the example server has. */
export const exampleNode = 'test-id';

async function end(child: ReturnType<typeof spawn>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
