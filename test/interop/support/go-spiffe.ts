import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { certificatesOf, type TestIdentity } from '../../support/mesh-authority.js';
import { goProgram } from './go-program.js';

type Program = ChildProcessByStdio<Writable, Readable, null>;

async function run(...args: string[]): Promise<Program> {
  return spawn(await goProgram('go-spiffe'), args, { stdio: ['pipe', 'pipe', 'inherit'] });
}

/** A Workload API that is served by go-spiffe's generated stubs. */
export class GoWorkloadApi {
  private constructor(
    private readonly folder: string,
    private readonly program: Program,
  ) {}

  static async start(): Promise<GoWorkloadApi> {
    const folder = mkdtempSync(join(tmpdir(), 'inmesh-go-spiffe-'));
    const program = await run('api', join(folder, 'api.sock'));
    await once(program.stdout, 'data');
    return new GoWorkloadApi(folder, program);
  }

  get socket(): string {
    return join(this.folder, 'api.sock');
  }

  get address(): string {
    return `unix://${this.socket}`;
  }

  /** @param federated PEM by trust domain */
  deliver(identities: readonly TestIdentity[], federated: Readonly<Record<string, string>> = {}): void {
    const svids = identities.map(({ spiffeId, chain, key, bundle }) => ({
      ...{ spiffeId, chain: derOf(chain), bundle: derOf(bundle) },
      key: key.replace(/-----[^-]+-----|\s/g, ''),
    }));
    const bundles = Object.entries(federated).map(([domain, pem]) => [`spiffe://${domain}`, derOf(pem)]);
    this.#write({ svids, federated: Object.fromEntries(bundles) });
  }

  deny(): void {
    this.#write({ denied: true });
  }

  async close(): Promise<void> {
    await end(this.program);
    rmSync(this.folder, { recursive: true, force: true });
  }

  #write(line: object): void {
    this.program.stdin.write(`${JSON.stringify(line)}\n`);
  }
}

/** An HTTPS server of go-spiffe that lets in `peer` alone. */
export class GoSpiffeServer {
  private constructor(
    private readonly program: Program,
    readonly port: number,
  ) {}

  static async start(api: GoWorkloadApi, peer: string): Promise<GoSpiffeServer> {
    const program = await run('server', api.socket, peer);
    const [line] = await once(createInterface({ input: program.stdout }), 'line');
    const { address } = JSON.parse(line) as { address: string };
    return new GoSpiffeServer(program, Number(address.split(':').at(-1)));
  }

  close(): Promise<void> {
    return end(this.program);
  }
}

export interface GoSpiffeResult {
  readonly status: number;
  readonly body: string;
  /** Empty: there was none. */
  readonly error: string;
}

/** What a client of go-spiffe gets from a server that has to be `peer`. */
export async function callByGoSpiffe(api: GoWorkloadApi, peer: string, url: string): Promise<GoSpiffeResult> {
  const program = await run('client', api.socket, peer, url);
  const [line] = await once(createInterface({ input: program.stdout }), 'line');
  await end(program);
  return JSON.parse(line);
}

function derOf(pem: string): string {
  return Buffer.concat(certificatesOf(pem).map(({ raw }) => raw)).toString('base64');
}

async function end(program: Program): Promise<void> {
  if (program.exitCode !== null || program.signalCode !== null) return;
  const ended = once(program, 'exit');
  program.kill('SIGKILL');
  await ended;
}
