import { realpathSync, statfsSync, statSync } from 'node:fs';
import { MeshError } from '@inmesh/core';

/** Linux's number of a file system that is in memory (statfs(2), TMPFS_MAGIC). */
const tmpfs = 0x01021994;
const othersMay = 0o077;

/**
 * Undefined where nobody but the owner may read or write the key; else what is wrong, and the command that mends it.
 *
 * Volumes that Kubernetes writes (secrets, projected certificates, CSI drivers) are taken as they are: their files belong
 * to root and are readable by all, since it does not know as whom a container runs, and who can reach such a volume is
 * decided by who is in the pod. They are known by both of their marks: in memory, and behind a link to a folder `..TIME`.
 */
export function keyProblem(path: string): MeshError | undefined {
  if (process.platform === 'win32') return undefined;
  const { mode } = statSync(path);
  if ((mode & othersMay) === 0 || isKubernetesVolume(path)) return undefined;
  const octal = (mode & 0o777).toString(8).padStart(4, '0');
  return new MeshError('invalid_request', {
    message: `the key ${path} may be read or written by others (mode ${octal})`,
    hint: `chmod 600 ${path}`,
  });
}

function isKubernetesVolume(path: string): boolean {
  const real = realpathSync(path);
  if (real === path || !/\/\.\.[^/]+\/[^/]+$/.test(real)) return false;
  return statfsSync(real).type === tmpfs;
}
