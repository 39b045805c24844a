import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestIdentity } from './mesh-authority.js';

type Texts = Pick<TestIdentity, 'chain' | 'key' | 'bundle'>;

/** A folder of certificates that is written as Kubernetes and Istio write it: all at once, by the swap of a link. */
export class IdentityFolder {
  readonly path: string;
  #version = 0;

  constructor(identity?: Texts, parent = tmpdir()) {
    this.path = mkdtempSync(join(parent, 'inmesh-identity-'));
    if (identity !== undefined) this.swap(identity);
  }

  swap({ chain, key, bundle }: Texts, keyMode = 0o600): void {
    this.#version += 1;
    const version = `..${this.#version}`;
    mkdirSync(join(this.path, version));
    writeFileSync(join(this.path, version, 'cert-chain.pem'), chain);
    writeFileSync(join(this.path, version, 'key.pem'), key, { mode: keyMode });
    writeFileSync(join(this.path, version, 'root-cert.pem'), bundle);
    symlinkSync(version, join(this.path, '..data.tmp'));
    renameSync(join(this.path, '..data.tmp'), join(this.path, '..data'));
    if (this.#version > 1) {
      rmSync(join(this.path, `..${this.#version - 1}`), { recursive: true });
      return;
    }
    for (const name of ['cert-chain.pem', 'key.pem', 'root-cert.pem']) {
      symlinkSync(join('..data', name), join(this.path, name));
    }
  }

  /** One file in its place, as careless tools do. */
  write(name: string, text: string, mode = 0o600): void {
    writeFileSync(join(this.path, name), text, { mode });
  }

  async close(): Promise<void> {
    rmSync(this.path, { recursive: true, force: true });
  }
}
