import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { debianPeer } from '../../interop/support/debian-peer.js';
import { fixedPort } from '../../interop/support/fixed-port.js';
import { PeerProcess } from './peer-process.js';

export interface ScrapeTarget {
  /** `HOST:PORT` */
  readonly address: string;
  readonly path: string;
}

/** A real Prometheus that asks these twice a second. Debian's is built without discovery of pods. */
export class Prometheus {
  private constructor(
    private readonly folder: string,
    private readonly process: PeerProcess,
    readonly url: string,
  ) {}

  /** Resolves when it is ready. @throws when it cannot be had */
  static async start(targets: readonly ScrapeTarget[]): Promise<Prometheus> {
    const binary = join(await debianPeer('prometheus', ['prometheus']), 'usr/bin/prometheus');
    const folder = mkdtempSync(join(tmpdir(), 'inmesh-prometheus-'));
    const file = join(folder, 'prometheus.json');
    writeFileSync(file, JSON.stringify(configOf(targets)));
    const address = `127.0.0.1:${await fixedPort()}`;
    const flags = [`--config.file=${file}`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=${address}`];
    const process = new PeerProcess({ binary, args: flags, logFile: join(folder, 'log') });
    const prometheus = new Prometheus(folder, process, `http://${address}`);
    const isReady = async () => (await fetch(`${prometheus.url}/-/ready`)).status === 200;
    await process.ready('the Prometheus', isReady);
    return prometheus;
  }

  /** The end of it. */
  get log(): string {
    return this.process.log;
  }

  async close(): Promise<void> {
    await this.process.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** JSON, which is YAML. */
function configOf(targets: readonly ScrapeTarget[]) {
  const jobs = targets.map(({ address, path }) => ({
    job_name: address,
    metrics_path: path,
    static_configs: [{ targets: [address] }],
  }));
  return { global: { scrape_interval: '500ms', scrape_timeout: '500ms' }, scrape_configs: jobs };
}
