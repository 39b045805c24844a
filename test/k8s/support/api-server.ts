import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fixedPort } from '../../interop/support/fixed-port.js';
import { ApiClient } from './api-client.js';
import { type ApiServerOptions, apiServerFlags } from './api-server-flags.js';
import { BreakableLink } from './breakable-link.js';
import { makeCredentials, type ServerCredentials } from './credentials.js';
import { Etcd } from './etcd.js';
import { writeKubeconfig } from './kubeconfig.js';
import { PeerProcess } from './peer-process.js';
import { peer } from './peers.js';

const run = promisify(execFile);

/** A real kube-apiserver on loopback with an etcd of its own, and neither kubelet nor controllers: tests write what those write. */
export class ApiServer {
  /** Requests with all rights, on no link that is ever cut. */
  readonly api: ApiClient;
  /** Of an administrator, on the link that `cutWatches` cuts. */
  readonly kubeconfig: string;
  readonly #directKubeconfig: string;
  #process: PeerProcess | undefined;

  private constructor(
    private readonly folder: string,
    private readonly credentials: ServerCredentials,
    private readonly etcd: Etcd,
    private readonly link: BreakableLink,
    private readonly port: number,
    private readonly options: ApiServerOptions,
  ) {
    this.api = new ApiClient(this.directUrl, credentials.adminToken, credentials.ca);
    this.kubeconfig = this.kubeconfigOf(credentials.adminToken);
    this.#directKubeconfig = this.kubeconfigOf(credentials.adminToken, this.directUrl);
  }

  static async start(options: ApiServerOptions = {}): Promise<ApiServer> {
    const folder = mkdtempSync(join(tmpdir(), 'inmesh-k8s-'));
    const [etcd, port] = [await Etcd.start(folder), await fixedPort()];
    const link = await BreakableLink.to(port);
    const server = new ApiServer(folder, makeCredentials(folder), etcd, link, port, options);
    try {
      await server.start();
    } catch (error) {
      await server.close();
      throw error;
    }
    return server;
  }

  /** What programs under test are to be given: a link that can be cut. */
  get url(): string {
    return `https://127.0.0.1:${this.link.port}`;
  }

  /** For what is to be as quick as it can be, or is not to be cut. */
  get directUrl(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  get adminToken(): string {
    return this.credentials.adminToken;
  }

  /** PEM. */
  get ca(): string {
    return this.credentials.ca;
  }

  get caFile(): string {
    return this.credentials.caFile;
  }

  /** How many connections are open to `url`. */
  get connections(): number {
    return this.link.size;
  }

  /** Resolves when it is ready. */
  async start(): Promise<void> {
    const binary = await peer('kube-apiserver');
    const args = apiServerFlags(this.credentials, this.etcd.url, this.port, this.options);
    const logFile = join(this.folder, 'kube-apiserver.log');
    this.#process = new PeerProcess({ binary, args, logFile, env: { GOMEMLIMIT: '1GiB' } });
    const isReady = async () => (await this.api.request('GET', '/readyz')).status === 200;
    await this.#process.ready('the API server', isReady);
  }

  /** Default: as a machine that loses power. With SIGTERM it first ends its watches. */
  async stop(signal?: NodeJS.Signals): Promise<void> {
    await this.#process?.kill(signal);
  }

  /** Resolves when it is ready again, at the same address, with what etcd has. */
  async restart(signal?: NodeJS.Signals): Promise<void> {
    await this.stop(signal);
    await this.start();
  }

  /** All connections that are open to `url`, with a reset. Returns how many there were. */
  cutWatches(): number {
    return this.link.cut();
  }

  /** All connections that are open to `url` stay open and bring nothing more; new ones work. */
  silenceWatches(): void {
    this.link.silence();
  }

  /**
   * Makes etcd forget all revisions but the newest, which it returns. A watch from an older one is then told 410 by a server without
   * watch cache, or by one with it after a restart, when its cache begins anew.
   */
  compact(): Promise<number> {
    return this.etcd.compact();
  }

  /** Of a bearer token, on the link that `cutWatches` cuts unless told otherwise; returns the file. */
  kubeconfigOf(token: string, server = this.url, namespace = 'default'): string {
    const digest = createHash('sha256').update(`${server} ${namespace} ${token}`).digest('hex').slice(0, 16);
    const file = join(this.folder, `kubeconfig-${digest}`);
    return writeKubeconfig({ file, server, caFile: this.caFile, token, namespace });
  }

  /** As the administrator; returns what it says on stdout. @throws with what it says on stderr when it fails */
  kubectl(...args: string[]): Promise<string> {
    return this.#run('kubectl', ['--cache-dir', join(this.folder, 'kubectl'), ...args]);
  }

  /** As `kubectl`. */
  helm(...args: string[]): Promise<string> {
    return this.#run('helm', args);
  }

  /** The end of its log. */
  get log(): string {
    return this.#process?.log ?? '';
  }

  async close(): Promise<void> {
    this.api.close();
    await this.link.close();
    await this.stop();
    await this.etcd.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #run(name: 'kubectl' | 'helm', args: readonly string[]): Promise<string> {
    const env = { ...process.env, KUBECONFIG: this.#directKubeconfig, HOME: this.folder };
    const { stdout } = await run(await peer(name), args, { env, maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  }
}
