import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Paths of PEM files. */
export interface IdentityFiles {
  /** The certificate, then the intermediates. */
  readonly certificate: string;
  readonly key: string;
  /** Who signs certificates of this workload's trust domain. */
  readonly authorities: string;
}

/** A folder with files of well-known names, or the files. */
export type IdentityLocation = string | IdentityFiles;

/** The names of Istio, of cert-manager's CSI driver, and of SPIFFE's helper. */
const layouts = [
  { certificate: 'cert-chain.pem', key: 'key.pem', authorities: 'root-cert.pem' },
  { certificate: 'tls.crt', key: 'tls.key', authorities: 'ca.crt' },
  { certificate: 'svid.pem', key: 'svid_key.pem', authorities: 'svid_bundle.pem' },
] as const;

/** Where Istio mounts the certificates of a workload that gets them from elsewhere. */
export const istioFolder = '/var/run/secrets/workload-spiffe-credentials';

/** The first layout whose certificate is there. @throws Error that names the files it has looked for */
export async function locateFiles(location: IdentityLocation): Promise<IdentityFiles> {
  if (typeof location !== 'string') return location;
  for (const names of layouts) {
    const certificate = join(location, names.certificate);
    if (await exists(certificate)) {
      return { certificate, key: join(location, names.key), authorities: join(location, names.authorities) };
    }
  }
  const wanted = layouts.map(({ certificate, key, authorities }) => `${certificate}, ${key}, ${authorities}`);
  throw new Error(`${location} has no certificate; put there ${wanted.join('; or ')}`);
}

export function foldersOf(location: IdentityLocation): string[] {
  if (typeof location === 'string') return [location];
  return [...new Set(pathsOf(location).map((path) => dirname(path)))];
}

export function pathsOf({ certificate, key, authorities }: IdentityFiles): string[] {
  return [certificate, key, authorities];
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
