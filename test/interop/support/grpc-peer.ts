import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { goProgram } from './go-program.js';
import { npmPeer } from './peer-cache.js';

/** Libraries that take their configuration from an xDS server without our SDK (gRFC A27). */
export const grpcLibraries = ['grpc-js-xds', 'grpc-go'] as const;
export type GrpcLibrary = (typeof grpcLibraries)[number];

export interface CallOptions {
  /** Default `xds:///reviews.default.svc.cluster.local:9080`. */
  readonly target?: string;
  /** At the same time; default 8. */
  readonly parallel?: number;
  /** Of each call; default 20 s, more than a library waits for a resource. */
  readonly timeoutMs?: number;
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface Outcome {
  /** How many calls each server has answered, by the server's name. */
  readonly servers: Readonly<Record<string, number>>;
  /** How many calls ended with each status, by its name: `OK`, `UNAVAILABLE`. */
  readonly statuses: Readonly<Record<string, number>>;
  /** The last message of each status but OK. */
  readonly messages: Readonly<Record<string, string>>;
  readonly shortestMs: number;
  readonly longestMs: number;
}

export const reviewsTarget = 'xds:///reviews.default.svc.cluster.local:9080';

/** A caller in a process of its own, which has nothing of inmesh. */
export class GrpcPeer {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (outcome: Outcome) => void>();
  readonly #ended: Promise<never>;
  #asked = 0;
  #log = '';

  private constructor(
    readonly library: GrpcLibrary,
    command: readonly string[],
    bootstrap: object,
  ) {
    const [program, ...args] = command;
    this.#child = spawn(program!, args, {
      env: { ...process.env, NODE_OPTIONS: '', GRPC_XDS_BOOTSTRAP_CONFIG: JSON.stringify(bootstrap) },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child.stderr!.on('data', (chunk) => {
      this.#log += chunk;
    });
    createInterface({ input: this.#child.stdout! }).on('line', (line) => this.#answer(line));
    this.#ended = once(this.#child, 'exit').then(() => {
      throw new Error(`the ${library} client ended:\n${this.#log}`);
    });
    this.#ended.catch(() => {});
  }

  /** @param xds the server's `host:port` */
  static async start(library: GrpcLibrary, xds: string, nodeId: string = library): Promise<GrpcPeer> {
    return new GrpcPeer(library, await commandOf(library), bootstrapOf(xds, nodeId));
  }

  /** Calls, and tells what became of all of them. */
  call(calls: number, options: CallOptions = {}): Promise<Outcome> {
    return this.#ask({ target: reviewsTarget, parallel: 8, timeoutMs: 20_000, ...options, calls });
  }

  /** Makes a channel to each target, which asks the server for all that it needs, and closes all that were there before. */
  async dial(targets: readonly string[]): Promise<void> {
    await this.#ask({ dial: targets });
  }

  /** What it has written to stderr. */
  get log(): string {
    return this.#log;
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await this.#ended.catch(() => {});
  }

  #ask(request: object): Promise<Outcome> {
    const id = this.#asked++;
    const answer = new Promise<Outcome>((resolve) => this.#waiting.set(id, resolve));
    this.#child.stdin!.write(`${JSON.stringify({ ...request, id })}\n`);
    return Promise.race([answer, this.#ended]);
  }

  #answer(line: string): void {
    const { id, ...outcome } = JSON.parse(line) as Outcome & { id: number };
    this.#waiting.get(id)?.(outcome);
    this.#waiting.delete(id);
  }
}

async function commandOf(library: GrpcLibrary): Promise<readonly string[]> {
  if (library === 'grpc-go') return [await goProgram('go-client')];
  const program = join(import.meta.dirname, '..', 'programs', 'grpc-js-client.mjs');
  return [process.execPath, program, await npmPeer('@grpc/grpc-js-xds', '1.14')];
}

function bootstrapOf(xds: string, nodeId: string): object {
  return {
    xds_servers: [{ server_uri: xds, channel_creds: [{ type: 'insecure' }], server_features: ['xds_v3'] }],
    // grpc-js-xds takes no node without a locality.
    node: { id: nodeId, locality: {} },
  };
}
