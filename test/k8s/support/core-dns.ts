import { Resolver } from 'node:dns/promises';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixedPort } from '../../interop/support/fixed-port.js';
import type { ApiServer } from './api-server.js';
import { PeerProcess } from './peer-process.js';
import { peer } from './peers.js';

export interface CoreDnsOptions {
  /** Of answers, in seconds. Default 5, as CoreDNS has it; clusters often have 30. */
  readonly ttl?: number;
  /** How long answers are kept, in seconds. Default: they are not. */
  readonly cache?: number;
  /** Whose view of the API server it has. Default: on a link that is never cut. */
  readonly kubeconfig?: string;
}

/** A real CoreDNS on loopback that answers for `cluster.local`, over UDP and TCP, from what the API server has. */
export class CoreDns {
  private constructor(
    private readonly process: PeerProcess,
    private readonly folder: string,
    readonly port: number,
  ) {}

  /** Resolves when it has seen all services. */
  static async start(server: ApiServer, options: CoreDnsOptions = {}): Promise<CoreDns> {
    const binary = await peer('coredns');
    const folder = mkdtempSync(join(tmpdir(), 'inmesh-coredns-'));
    const [port, readyPort] = [await fixedPort(), await fixedPort()];
    const file = join(folder, 'Corefile');
    const kubeconfig = options.kubeconfig ?? server.kubeconfigOf(server.adminToken, server.directUrl);
    writeFileSync(file, corefile(port, readyPort, { ...options, kubeconfig }));
    const process = new PeerProcess({ binary, args: ['-conf', file], logFile: join(folder, 'coredns.log') });
    const dns = new CoreDns(process, folder, port);
    try {
      await process.ready('CoreDNS', async () => (await hasSynced(readyPort)) && dns.#answers());
    } catch (error) {
      await dns.close();
      throw error;
    }
    return dns;
  }

  /** As `dns.setServers` wants it. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get log(): string {
    return this.process.log;
  }

  async #answers(): Promise<boolean> {
    const resolver = new Resolver({ timeout: 1_000, tries: 1 });
    resolver.setServers([this.address]);
    return (await resolver.resolve4('kubernetes.default.svc.cluster.local')).length > 0;
  }

  async close(): Promise<void> {
    await this.process.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function hasSynced(readyPort: number): Promise<boolean> {
  return (await fetch(`http://127.0.0.1:${readyPort}/ready`)).ok;
}

function corefile(port: number, readyPort: number, { ttl = 5, cache, kubeconfig }: CoreDnsOptions): string {
  return `.:${port} {
  bind 127.0.0.1
  errors
  ready 127.0.0.1:${readyPort}
  kubernetes cluster.local in-addr.arpa {
    kubeconfig ${kubeconfig}
    pods verified
    ttl ${ttl}
  }
  loadbalance
  ${cache === undefined ? '' : `cache ${cache}`}
}
`;
}
