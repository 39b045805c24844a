import { startControlPlane } from '@inmesh/control-plane';
import { createMesh, type Logger, type Mesh } from 'inmesh';
import { describe, expect, it } from 'vitest';
import { callersOf, configuration, startBackends } from '../support/called-mesh.js';
import { ConfigFolder } from '../support/config-folder.js';
import { fastClock } from '../support/fast-clock.js';
import { freePorts } from '../support/free-ports.js';
import { keep } from '../support/keep.js';
import { type RestartedServer, serverInProcess, serverProcess } from '../support/restarted-server.js';
import { atScale } from '../support/scale.js';

/** Reconnecting takes up to 30 s: here 6. */
async function join(xds: string, logger?: Logger): Promise<Mesh> {
  const patience = 200_000;
  const mesh = keep(await createMesh({ xds, logger, clock: fastClock(5), startTimeoutMs: patience }));
  await mesh.ready({ timeoutMs: patience });
  return mesh;
}

async function survive(restarts: number, serve: (folder: string, port: number) => RestartedServer) {
  const backends = await startBackends(keep);
  const folder = keep(new ConfigFolder());
  const [port] = await freePorts(1);
  const server = serve(folder.path, port!);
  keep({ close: () => server.stop() });
  const change = (number: number) => folder.write('mesh.yaml', configuration(number, backends));
  change(0);
  await server.start();
  const meshes = await Promise.all(Array.from({ length: 4 }, () => join(`127.0.0.1:${port}`)));
  const all = meshes.flatMap((mesh) => callersOf(mesh, keep));
  const current = (number: number) => all.filter(({ answers }) => answers.at(-1)?.endsWith(` of ${number}`)).length;
  for (let number = 1; number <= restarts; number += 1) {
    await server.stop();
    change(number);
    await server.start();
    // Also killed while clients connect, and when some of them have the configuration and others have not.
    const goal = number === restarts ? all.length : [0, 1, all.length][number % 3]!;
    await expect.poll(() => current(number), { timeout: 30_000 }).toBeGreaterThanOrEqual(goal);
  }
  await Promise.all(all.map((caller) => caller.stop()));
  return all;
}

describe('a config server that is ended and started again under changing configuration', () => {
  it.each([
    ['in order', serverInProcess, atScale({ slice: 10, full: 100 })],
    ['by SIGKILL', serverProcess, atScale({ slice: 3, full: 100 })],
  ] as const)(
    'leaves every client with the newest version and no failed call: %s',
    async (_how, serve, restarts) => {
      const all = await survive(restarts, serve);
      const newest = `${restarts % 2 === 1 ? 'v1' : 'v2'} of ${restarts}`;
      expect(all.map(({ answers }) => answers.at(-1))).toEqual(all.map(() => newest));
      expect(all.flatMap(({ failures }) => failures)).toEqual([]);
    },
    1_800_000,
  );
});

describe('a config server that lets no connection last', () => {
  it('costs no call, and clients take its newest configuration on whichever they have', async () => {
    const backends = await startBackends(keep);
    const folder = keep(new ConfigFolder());
    folder.write('mesh.yaml', configuration(0, backends));
    const ports = { xdsPort: 0, metricsPort: 0, debugPort: 0 };
    const silent = { info() {}, warn() {}, error() {} };
    const server = keep(
      await startControlPlane({ config: [folder.path], logger: silent, maxConnectionAgeMs: 100, ...ports }),
    );
    let connects = 0;
    const info = (message: string) => {
      if (message === 'connected to the config server') connects += 1;
    };
    const logger = { ...silent, info };
    const mesh = await join(server.addresses.xds, logger);
    const callers = callersOf(mesh, keep);
    for (let number = 1; number <= atScale({ slice: 4, full: 40 }); number += 1) {
      const before = connects;
      folder.write('mesh.yaml', configuration(number, backends));
      const isCurrent = () => callers.every(({ answers }) => answers.at(-1)?.endsWith(` of ${number}`));
      await expect.poll(() => isCurrent() && connects > before, { timeout: 30_000 }).toBe(true);
    }
    await Promise.all(callers.map((caller) => caller.stop()));
    expect(callers.flatMap(({ failures }) => failures)).toEqual([]);
  }, 300_000);
});
