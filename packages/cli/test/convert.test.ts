import { afterEach, describe, expect, it } from 'vitest';
import { ConfigFolder, reviewsYaml } from './support/config-folder.js';
import { run } from './support/run.js';

const folders: ConfigFolder[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) folder.close();
});

function folderOf(files: Record<string, string>): string {
  const folder = new ConfigFolder(files);
  folders.push(folder);
  return folder.path;
}

const old = `apiVersion: authentication.istio.io/v1alpha1
kind: Policy
metadata: { name: default, namespace: default }
spec: { targets: [{ name: unknown }], peers: [{ mtls: {} }] }
`;

describe('inmesh convert', () => {
  it('writes old kinds in their form of today, and says what is a guess', async () => {
    const { code, out, err } = await run('convert', folderOf({ 'old.yaml': old, 'reviews.yaml': reviewsYaml }));
    expect(code).toBe(0);
    expect(out).toBe(`apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: default-unknown
  namespace: default
spec:
  selector:
    matchLabels:
      app: unknown
  mtls:
    mode: STRICT
`);
    expect(err).toContain('note: Policy default: what Service "unknown" selects by is not known here');
  });

  it('says where there is nothing to convert', async () => {
    const { code, out, err } = await run('convert', folderOf({ 'reviews.yaml': reviewsYaml }));
    expect({ code, out }).toEqual({ code: 0, out: '' });
    expect(err).toContain('nothing to convert');
  });

  it('fails on what is no YAML', async () => {
    const { code, err } = await run('convert', folderOf({ 'a.yaml': 'a: [' }));
    expect(code).toBe(1);
    expect(err).not.toContain('nothing to convert');
    expect(await run('convert', '/not/there')).toMatchObject({
      code: 1,
      err: 'inmesh convert: ENOENT: there is no file or folder /not/there\n',
    });
  });
});
