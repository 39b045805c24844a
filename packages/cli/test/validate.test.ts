import { afterEach, describe, expect, it } from 'vitest';
import { makeCertificate } from '../../../test/support/certificates.js';
import { brokenYaml, ConfigFolder, reviewsYaml, routesYaml } from './support/config-folder.js';
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

describe('inmesh validate', () => {
  it('lets warnings fail when it is strict', async () => {
    const policy = 'apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: { name: patch }\nspec: {}\n';
    const path = folderOf({ 'policy.yaml': policy });
    expect(await run('validate', path)).toMatchObject({ code: 0 });
    expect(await run('validate', '--strict', path)).toMatchObject({ code: 1 });
  });

  it('ends with 0 and counts the objects when all is well', async () => {
    const path = folderOf({ 'reviews.yaml': reviewsYaml, 'routes.yaml': routesYaml });
    expect(await run('validate', path)).toEqual({ code: 0, out: '7 objects, 0 errors, 0 warnings\n', err: '' });
  });

  it('prints each error with file, line and column, and ends with 1', async () => {
    const path = folderOf({ 'broken.yaml': brokenYaml, 'reviews.yaml': reviewsYaml });
    const { code, out } = await run('validate', path);
    expect(code).toBe(1);
    expect(out).toMatch(/broken\.yaml:\d+:\d+: error: /);
    expect(out).toMatch(/^\d+ objects, [1-9] errors?, \d+ warnings?\n$/m);
  });

  it('names the object and the field that are wrong', async () => {
    const routes = routesYaml.replace('subset: v1', 'subset: v9');
    const { code, out } = await run('validate', folderOf({ 'reviews.yaml': reviewsYaml, 'routes.yaml': routes }));
    expect(code).toBe(1);
    expect(out).toMatch(/routes\.yaml:\d+:\d+: error: VirtualService default\/reviews: spec\.http.*subset.*v9/);
  });

  it('looks at the policies of the whole mesh in the namespace that it is told', async () => {
    const policy =
      'apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: { name: a, namespace: root }\n';
    const path = folderOf({ 'policy.yaml': `${policy}spec: { selector: { matchLabels: { app: a } } }\n` });
    expect((await run('validate', path)).out).toContain('0 warnings');
    expect((await run('validate', '--root-namespace', 'root', path)).out).toContain('1 warning\n');
  });

  it('never prints keys', async () => {
    const [pair, other] = [makeCertificate(), makeCertificate()];
    const data = { 'tls.crt': btoa(pair.certificate), 'tls.key': btoa(other.key) };
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'cert' }, type: 'kubernetes.io/tls', data };
    const path = folderOf({
      'secret.yaml': JSON.stringify(secret),
      'broken.yaml': `apiVersion: v1\nkind: Secret\nstringData:\n  tls.key: |\n${other.key}`,
    });
    for (const flags of [[], ['--json']]) {
      const { code, out, err } = await run('validate', ...flags, path);
      expect(code).toBe(1);
      expect(out).toMatch(/data\[\\?"tls.key\\?"\]/);
      for (const line of [...other.key.split('\n').filter((part) => part.length > 40), btoa(other.key)]) {
        expect(`${out}${err}`).not.toContain(line.slice(0, 30));
      }
    }
  });

  it('prints JSON for machines', async () => {
    const path = folderOf({ 'broken.yaml': brokenYaml });
    const { code, out } = await run('validate', '--json', path);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      files: 1,
      errors: 1,
      warnings: 0,
      issues: [{ severity: 'error', file: `${path}/broken.yaml`, line: expect.any(Number) }],
    });
  });

  it('says when a path is not there, and when it holds nothing', async () => {
    const path = folderOf({});
    const missing = await run('validate', `${path}/nothing`);
    expect(missing.code).toBe(1);
    expect(missing.err).toMatch(/ENOENT.*nothing/);
    expect((await run('validate', path)).err).toBe(`no YAML files in ${path}\n`);
  });
});
