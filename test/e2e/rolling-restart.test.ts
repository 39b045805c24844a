import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createMesh } from 'inmesh';
import { afterEach, describe, expect, it } from 'vitest';
import { ConfigFolder, serviceYaml } from '../support/config-folder.js';
import { constantLoad } from '../support/load.js';

const program = fileURLToPath(new URL('../support/reviews-process.mjs', import.meta.url));

interface Process {
  readonly app: string;
  readonly version: string;
  readonly port: number;
  readonly child: ChildProcess;
}

const open: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function startReviews(version: string): Promise<Process> {
  const child = fork(program, [version], { execArgv: [] });
  open.push(() => end(child, 'SIGKILL'));
  const [port] = (await once(child, 'message')) as [number];
  return { app: 'reviews', version, port, child };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

async function restartAll(
  howToEnd: (
    old: Process,
    publish: (instances: readonly Process[]) => Promise<void>,
    others: readonly Process[],
  ) => Promise<void>,
) {
  const folder = new ConfigFolder();
  open.push(() => folder.close());
  let running = await Promise.all(['v1', 'v2', 'v3'].map(startReviews));
  folder.write('reviews.yaml', serviceYaml('reviews', running));
  const mesh = await createMesh({ config: folder.path });
  open.push(() => mesh.close());
  await mesh.ready();
  const publish = async (instances: readonly Process[]) => {
    const before = mesh.status().generation;
    folder.write('reviews.yaml', serviceYaml('reviews', instances));
    await expect.poll(() => mesh.status().generation, { timeout: 5000 }).toBeGreaterThan(before);
  };
  const load = constantLoad(8, async () => {
    const response = await mesh.fetch('http://reviews/reviews/0');
    return `${response.status} ${await response.text()}`;
  });
  for (const old of running) {
    const others = running.filter((one) => one !== old);
    await answered(load, 50);
    await howToEnd(old, publish, others);
    await answered(load, 50);
    running = [...others, await startReviews(old.version)];
    await publish(running);
  }
  await answered(load, 200);
  await load.stop();
  return { load, running };
}

/** Lets the load get some more answers. */
async function answered(load: { answers: readonly string[] }, count: number): Promise<void> {
  const goal = load.answers.length + count;
  await expect.poll(() => load.answers.length, { timeout: 10_000 }).toBeGreaterThan(goal);
}

describe('a rolling restart of all reviews processes under load', () => {
  it('loses nothing when each is withdrawn from its EndpointSlice, then ended', async () => {
    const { load } = await restartAll(async (old, publish, others) => {
      await publish(others);
      await end(old.child, 'SIGTERM');
    });
    expect(load.failures).toEqual([]);
    expect(new Set(load.answers)).toEqual(new Set(['200 v1', '200 v2', '200 v3']));
  }, 60_000);

  it('loses no idempotent request when each is killed by SIGKILL while it is still listed', async () => {
    const { load } = await restartAll(async (old) => {
      await end(old.child, 'SIGKILL');
    });
    expect(load.failures).toEqual([]);
    expect(new Set(load.answers)).toEqual(new Set(['200 v1', '200 v2', '200 v3']));
  }, 60_000);
});
