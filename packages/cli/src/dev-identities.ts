import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CaOptions, ControlPlane } from '@inmesh/control-plane';

export interface DevIdentities {
  readonly ca: CaOptions;
  /** For the command: what its meshes ask for certificates with. */
  variables(controlPlane: ControlPlane): Record<string, string>;
  close(): void;
}

/** A certificate authority in memory, and a secret with which the command's processes may be whatever workload they are. */
export function makeDevIdentities(trustDomain?: string): DevIdentities {
  const sharedSecret = randomBytes(24).toString('base64url');
  let folder: string | undefined;
  return {
    ca: { tlsPort: 0, sharedSecret, trustDomain },
    variables: ({ addresses: { tls = '' }, authority }) => {
      folder ??= mkdtempSync(join(tmpdir(), 'inmesh-dev-'));
      const roots = join(folder, 'root-cert.pem');
      writeFileSync(roots, authority?.roots.join('') ?? '');
      return {
        // By name, for grpc-js warns of addresses in TLS.
        INMESH_CA: tls.replace(/^127\.0\.0\.1:/, 'localhost:'),
        INMESH_CA_ROOTS: roots,
        INMESH_CA_TOKEN: `${sharedSecret}~{namespace}~{serviceAccount}`,
      };
    },
    close: () => {
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}
