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
  const folder = '/var/run/secrets/workload-spiffe-credentials';
  const socket = '/var/run/secrets/workload-spiffe-uds/socket';
  const authority = {
    INMESH_CA: 'ca:15012',
    INMESH_CA_ROOTS: '/roots',
    INMESH_CA_TOKEN: '{namespace}~{serviceAccount}',
  };

  it('is the first that is there: options, INMESH_IDENTITY, folder and socket of Istio, Workload API, authority', () => {
    const files: Record<string, string> = { [`${folder}/cert-chain.pem`]: 'x', [socket]: 'x' };
    const variables: Record<string, string> = {
      ...{ INMESH_IDENTITY: '/b', SPIFFE_ENDPOINT_SOCKET: 'unix:///agent', SERVICE_ACCOUNT: 'shop', ...authority },
    };
    const found = (identity?: MeshOptions['identity']) =>
      resolve(identity ? { identity } : {}, variables, files).identity;
    expect(found('/a')).toBe('/a');
    expect(found()).toBe('/b');
    delete variables.INMESH_IDENTITY;
    expect(found()).toBe(folder);
    delete files[`${folder}/cert-chain.pem`];
    expect(found()).toEqual({ sds: `unix:${socket}` });
    delete files[socket];
    expect(found()).toEqual({ workloadApi: 'unix:///agent' });
    delete variables.SPIFFE_ENDPOINT_SOCKET;
    expect(found()).toEqual({ authority: 'ca:15012', roots: '/roots', token: { text: 'default~shop' } });
    delete variables.INMESH_CA;
    expect(found()).toBeUndefined();
  });

  it.each<[string, object | string]>([
    ['/folder', '/folder'],
    ['unix:/agent', { workloadApi: 'unix:/agent' }],
    ['tcp://127.0.0.1:8000', { workloadApi: 'tcp://127.0.0.1:8000' }],
    ['sds:unix:/agent', { sds: 'unix:/agent' }],
    ['sds:ca:15012', { sds: 'ca:15012', roots: '/roots', token: { text: 'default~default' } }],
  ])('may be given by INMESH_IDENTITY as %s', (INMESH_IDENTITY, expected) => {
    expect(resolve({}, { ...authority, INMESH_IDENTITY }).identity).toEqual(expected);
  });

  it.each([
    [{ INMESH_IDENTITY: 'sds:ca:15012' }, 'identity.roots: name the file with the roots of ca:15012'],
    [{ INMESH_CA: 'ca:15012' }, 'identity.roots: name the file with the roots of ca:15012 (INMESH_CA_ROOTS)'],
    [{ SPIFFE_ENDPOINT_SOCKET: '/agent.sock' }, 'identity.workloadApi: "/agent.sock" is not unix:/path'],
  ])('is checked when the environment names it: %j', (variables, problem) => {
    expect(() => resolve({}, variables)).toThrow(problem);
  });

  it('may be federated, wherever it comes from', () => {
    const identity = { federated: { 'other.org': '/other.pem' } };
    expect(resolve({ identity }, { INMESH_IDENTITY: '/b' }).identity).toEqual({ folder: '/b', ...identity });
    expect(resolve({ identity }, { INMESH_IDENTITY: 'unix:/a' }).identity).toEqual({
      workloadApi: 'unix:/a',
      ...identity,
    });
    expect(resolve({ identity }).identity).toBeUndefined();
  });

  it.each<[MeshOptions, string]>([
    [{ identity: '' }, 'identity: name a folder'],
    [{ identity: { certificate: 'c', key: 'k' } as never }, 'identity: name a folder'],
    [{ identity: { folder: '' } }, 'identity: name a folder'],
    [{ identity: { workloadApi: '/agent.sock' } }, 'identity.workloadApi: "/agent.sock" is not unix:/path'],
    [{ identity: { workloadApi: 'tcp://agent:80' } }, 'identity.workloadApi: "tcp://agent:80" is not unix:/path'],
    [{ identity: { sds: '/agent.sock' } }, 'identity.sds: "/agent.sock" is neither unix:/path nor host:port'],
    [{ identity: { sds: 'ca:15012' } }, 'identity.roots: name the file with the roots of ca:15012'],
    [{ identity: { federated: { 'Other.org': '/p' } } }, 'identity.federated: "Other.org" is not a trust domain'],
    [{ identity: { federated: { 'a.org/b': '/p' } } }, 'identity.federated: "a.org/b" is not a trust domain'],
    [{ identity: { folder: '/a', federated: { 'a.org': '' } } }, 'identity.federated: a.org names no file'],
    [{ probes: { paths: ['healthz'] } }, 'probes.paths: not a list of paths'],
    [{ probes: {} as never }, 'probes.paths: not a list of paths'],
    [{ probes: { grpc: 'yes' } as never }, 'probes.grpc: not true or false'],
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
