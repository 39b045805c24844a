import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { createMesh } from 'inmesh';
import { afterEach, describe, expect, it } from 'vitest';
import { IdentityFolder } from '../../../../test/support/identity-folder.js';
import { MeshAuthority } from '../../../../test/support/mesh-authority.js';
import { type MeshOptions, resolveOptions } from '../../src/options.js';

const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

function resolve(options: MeshOptions, variables: Record<string, string> = {}, files: Record<string, string> = {}) {
  return resolveOptions(options, { variables, readFile: (path) => files[path] });
}

describe('the identity of a process', () => {
  it('is that of the options, else of INMESH_IDENTITY, else of the folder of Istio', () => {
    const folder = '/var/run/secrets/workload-spiffe-credentials';
    const files = { [`${folder}/cert-chain.pem`]: 'x' };
    expect(resolve({ identity: '/a' }, { INMESH_IDENTITY: '/b' }, files).identity).toBe('/a');
    expect(resolve({}, { INMESH_IDENTITY: '/b' }, files).identity).toBe('/b');
    expect(resolve({}, {}, files).identity).toBe(folder);
    expect(resolve({}).identity).toBeUndefined();
  });

  it.each<[MeshOptions, string]>([
    [{ identity: '' }, 'identity: name a folder'],
    [{ identity: { certificate: 'c', key: 'k' } as never }, 'identity: name a folder'],
    [{ probes: { paths: ['healthz'] } }, 'probes.paths: not a list of paths'],
    [{ probes: {} as never }, 'probes.paths: not a list of paths'],
    [{ trustForwardedClientCert: ['gateway'] }, 'trustForwardedClientCert: not a list of SPIFFE IDs'],
  ])('and what goes with it are checked: %j', (options, problem) => {
    expect(() => resolve(options)).toThrow(problem);
  });

  it('is told by the status, and a mesh does not start while others may read its key', async () => {
    const folder = new IdentityFolder(new MeshAuthority().issue('shop'));
    open.push(folder);
    const mesh = await createMesh({ identity: folder.path });
    open.push(mesh);
    expect(mesh.status().identity).toEqual({
      source: `files ${folder.path}`,
      spiffeId: 'spiffe://cluster.local/ns/default/sa/shop',
      expiresAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      trustDomains: ['cluster.local'],
      problem: undefined,
    });
    const key = join(folder.path, 'key.pem');
    chmodSync(key, 0o604);
    await expect(createMesh({ identity: folder.path })).rejects.toMatchObject({ hint: `chmod 600 ${key}` });
  });

  it('may come later: the status says what is missing', async () => {
    const folder = new IdentityFolder();
    open.push(folder);
    const mesh = await createMesh({ identity: folder.path });
    open.push(mesh);
    expect(mesh.status().identity).toMatchObject({
      spiffeId: undefined,
      problem: expect.stringContaining('no certificate'),
    });
    folder.swap(new MeshAuthority().issue('shop'));
    await expect.poll(() => mesh.status().identity?.problem, { timeout: 5000 }).toBeUndefined();
  });
});
