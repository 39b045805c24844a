// Brings a checkout to the state where it runs: packages installed, protos generated, TypeScript built. Quick when it is there.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateProtos } from './generate-protos.mjs';
import { isInstallCurrent } from './install-state.mjs';
import { withProcessLock } from './process-lock.mjs';

const repository = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** Said to the user without a stack: the fault is not in these scripts. */
class Failure extends Error {}

try {
  requireNode(20, 19);
  await withProcessLock(path.join(repository, '.cache/prepare.lock'), () => {
    if (!isInstallCurrent(repository)) install();
    generateProtos();
    build();
  });
} catch (error) {
  process.stderr.write(`${error instanceof Failure ? error.message : error.stack}\n`);
  process.exitCode = 1;
}

function requireNode(major, minor) {
  const [runningMajor, runningMinor] = process.versions.node.split('.').map(Number);
  if (runningMajor > major || (runningMajor === major && runningMinor >= minor)) return;
  throw new Failure(
    `inmesh needs Node ${major}.${minor} or newer; this is Node ${process.versions.node} (${process.execPath}).`,
  );
}

function install() {
  const clean = npm(['ci'], { stderr: 'pipe' });
  // Out of sync: a package.json was edited, or the lock file was written where the registry lacks the packages of some other
  // platform. npm install copes with both.
  const outOfSync = clean.status !== 0 && /in sync/.test(clean.stderr);
  process.stderr.write(
    outOfSync ? 'npm ci finds package-lock.json incomplete; npm install completes it.\n' : clean.stderr,
  );
  if (clean.status === 0) return;
  if (!outOfSync) throw new Failure(`npm ci failed with exit code ${clean.status}.`);
  const { status } = npm(['install'], { stderr: 'inherit' });
  if (status !== 0) throw new Failure(`npm install failed with exit code ${status}.`);
}

function npm(args, { stderr }) {
  const options = { cwd: repository, stdio: ['ignore', 'inherit', stderr], encoding: 'utf8' };
  // Under `npm run`, npm says where its own script lies. Windows cannot start npm.cmd without a shell.
  const script = process.env.npm_execpath;
  const result = script?.endsWith('npm-cli.js')
    ? spawnSync(process.execPath, [script, ...args], options)
    : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' });
  if (result.error) throw new Failure(`npm did not start: ${result.error.message}`);
  return result;
}

function build() {
  const compiler = path.join(repository, 'node_modules/typescript/bin/tsc');
  const { status } = spawnSync(process.execPath, [compiler, '-b'], { cwd: repository, stdio: 'inherit' });
  if (status !== 0) throw new Failure('tsc -b failed; its messages are above.');
}
