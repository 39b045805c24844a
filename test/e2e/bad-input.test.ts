import { createMesh, type Logger, type Mesh } from 'inmesh';
import { describe, expect, it } from 'vitest';
import { type Backend, startBackend } from '../support/backends.js';
import { ConfigFolder, serviceYaml } from '../support/config-folder.js';
import { keep } from '../support/keep.js';

const destinationRule = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews }
spec:
  host: reviews
  subsets:
    - { name: v1, labels: { version: v1 } }
    - { name: v2, labels: { version: v2 } }
`;

function virtualService(http: string): string {
  return `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews }
spec:
  hosts: [reviews]
  http:
${http}`;
}

const good = virtualService('    - route: [{ destination: { host: reviews, subset: v1 } }]\n');

interface Bad {
  readonly what: string;
  readonly text: string;
  /** What the message must name: place in the file, field, and reason. */
  readonly expected: RegExp;
}

const bad: Bad[] = [
  {
    what: 'a dangling subset',
    text: virtualService('    - route: [{ destination: { host: reviews, subset: v9 } }]\n'),
    expected: /vs\.yaml:7:\d+: error: .*spec\.http\[0\]\.route\[0\]\.destination\.subset.*v9/,
  },
  {
    what: 'a negative weight',
    text: virtualService('    - route: [{ destination: { host: reviews, subset: v1 }, weight: -1 }]\n'),
    expected: /vs\.yaml:7:\d+: error: .*spec\.http\[0\]\.route\[0\]\.weight/,
  },
  {
    what: 'weights that sum to zero',
    text: virtualService(
      '    - route:\n        - { destination: { host: reviews, subset: v1 }, weight: 0 }\n        - { destination: { host: reviews, subset: v2 }, weight: 0 }\n',
    ),
    expected:
      /vs\.yaml:[78]:\d+: error: .*spec\.http\[0\]\.route.*zero|vs\.yaml:[78]:\d+: error: .*spec\.http\[0\]\.route.* 0/,
  },
  {
    what: 'an invalid regex',
    text: virtualService(
      '    - match: [{ uri: { regex: "/a(b" } }]\n      route: [{ destination: { host: reviews } }]\n',
    ),
    expected: /vs\.yaml:7:\d+: error: .*spec\.http\[0\]\.match\[0\]\.uri\.regex/,
  },
  {
    what: 'a duplicated route name',
    text: virtualService(
      '    - name: a\n      match: [{ uri: { prefix: /a } }]\n      route: [{ destination: { host: reviews } }]\n    - name: a\n      route: [{ destination: { host: reviews } }]\n',
    ),
    expected: /vs\.yaml:10:\d+: error: .*spec\.http\[1\]\.name.*a/,
  },
  { what: 'YAML that does not parse', text: 'apiVersion: [v1\nkind: Service\n', expected: /vs\.yaml:\d+:\d+: error: / },
  {
    what: 'a 5 MB file',
    text: `# ${'x'.repeat(5 * 1024 * 1024)}\n${good}`,
    expected: /vs\.yaml:1:1: error: .*(MB|MiB|large|bytes)/,
  },
  {
    what: 'an unknown field',
    text: virtualService(
      '    - route: [{ destination: { host: reviews } }]\n      retries: { attempts: 1, perTryTimout: 2s }\n',
    ),
    expected: /vs\.yaml:8:\d+: error: .*spec\.http\[0\]\.retries\.perTryTimout.*perTryTimeout/,
  },
];

describe('bad input', () => {
  it.each(bad)(
    '$what is refused with file, line and field, and the last good state goes on serving',
    async ({ text, expected }) => {
      const [v1, v2] = [keep(await startBackend('reviews', 'v1')), keep(await startBackend('reviews', 'v2'))];
      const folder = keep(new ConfigFolder());
      folder.write('service.yaml', serviceYaml('reviews', [v1, v2]));
      folder.write('dr.yaml', destinationRule);
      folder.write('vs.yaml', good);
      const errors: string[] = [];
      const accepted: string[] = [];
      const logger: Logger = { info: (line) => accepted.push(line), warn() {}, error: (line) => errors.push(line) };
      const mesh = keep(await createMesh({ config: folder.path, logger }));
      await mesh.ready();
      folder.write('vs.yaml', text);
      await expect.poll(() => errors.join('\n'), { timeout: 10_000 }).toMatch(expected);
      expect(mesh.status().problem).toMatch(expected);
      for (let i = 0; i < 10; i += 1) expect(await get(mesh)).toBe('200 v1');
      await otherFilesStillCount(folder, mesh, v1);
      folder.write('vs.yaml', good.replace('subset: v1', 'subset: v2'));
      await expect.poll(() => mesh.status().problem, { timeout: 10_000 }).toBeUndefined();
      await expect.poll(() => get(mesh), { timeout: 5000 }).toBe('200 v2');
      expect(accepted).toEqual([expect.stringMatching(/vs\.yaml is accepted again$/)]);
    },
    30_000,
  );
});

/** While one file is broken, a change in another is taken up. */
async function otherFilesStillCount(folder: ConfigFolder, mesh: Mesh, backend: Backend): Promise<void> {
  folder.write('other.yaml', serviceYaml('other', [{ ...backend, app: 'other' }]));
  const other = async () => (await mesh.fetch('http://other/')).text();
  await expect.poll(() => other().catch(() => ''), { timeout: 10_000 }).toBe('v1');
}

async function get(mesh: Mesh): Promise<string> {
  const response = await mesh.fetch('http://reviews/');
  return `${response.status} ${await response.text()}`;
}
