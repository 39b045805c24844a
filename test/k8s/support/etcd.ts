import { join } from 'node:path';
import { fixedPort } from '../../interop/support/fixed-port.js';
import { PeerProcess } from './peer-process.js';
import { peer } from './peers.js';

interface EtcdAnswer {
  readonly header: { readonly revision: string };
}

/** A real etcd of one member; its data is in `folder` and is lost with it. */
export class Etcd {
  private constructor(
    private readonly process: PeerProcess,
    readonly url: string,
  ) {}

  static async start(folder: string): Promise<Etcd> {
    const binary = await peer('etcd');
    const url = `http://127.0.0.1:${await fixedPort()}`;
    const peerUrl = `http://127.0.0.1:${await fixedPort()}`;
    const flags = {
      'data-dir': join(folder, 'etcd'),
      'listen-client-urls': url,
      'advertise-client-urls': url,
      'listen-peer-urls': peerUrl,
      'initial-advertise-peer-urls': peerUrl,
      'initial-cluster': `default=${peerUrl}`,
      'log-level': 'warn',
      // Nothing is to outlive the test, and a busy disk would be measured else.
      'unsafe-no-fsync': 'true',
    };
    const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
    const env = { GOMEMLIMIT: '512MiB' };
    const etcd = new Etcd(new PeerProcess({ binary, args, logFile: join(folder, 'etcd.log'), env }), url);
    await etcd.process.ready('etcd', async () => (await fetch(`${url}/health`)).ok);
    return etcd;
  }

  /** Forgets all revisions before the newest; returns that. */
  async compact(): Promise<number> {
    const { header } = await this.#post('kv/range', { key: Buffer.from('x').toString('base64') });
    await this.#post('kv/compaction', { revision: header.revision, physical: true });
    return Number(header.revision);
  }

  close(): Promise<void> {
    return this.process.kill();
  }

  async #post(path: string, body: object): Promise<EtcdAnswer> {
    const response = await fetch(`${this.url}/v3/${path}`, { method: 'POST', body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`etcd says ${response.status} to ${path}: ${await response.text()}`);
    return (await response.json()) as EtcdAnswer;
  }
}
