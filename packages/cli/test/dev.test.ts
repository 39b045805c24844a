import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { keep } from '../../../test/support/keep.js';
import { brokenYaml, ConfigFolder, reviewsYaml } from './support/config-folder.js';
import { Running } from './support/run.js';

const wait = { timeout: 10_000 };

function dev(...argv: string[]) {
  const folder = keep(new ConfigFolder({ 'reviews.yaml': reviewsYaml }));
  return { folder, running: keep(new Running(['dev', '--config', folder.path, ...argv])) };
}

function program(code: string): string[] {
  return ['--', process.execPath, '-e', code];
}

describe('inmesh dev', () => {
  it('runs a command with INMESH_XDS set and ends with its exit code', async () => {
    const { running } = dev(...program('console.log("CHILD", process.env.INMESH_XDS); process.exit(7)'));
    expect(await running.exit).toBe(7);
    expect(running.out).toContain(`CHILD ${running.addresses?.xds}\n`);
  });

  it('gives each mesh of the command an identity, for as long as it runs', async () => {
    const code = `import { createMesh } from 'inmesh';
      const mesh = await createMesh({ workload: { serviceAccount: 'reviews', namespace: 'shop' } });
      console.log('IDENTITY', mesh.status().identity?.spiffeId, process.env.INMESH_CA_ROOTS);
      await mesh.close();`;
    const { running } = dev('--', process.execPath, '--input-type=module', '-e', code);
    expect(await running.exit).toBe(0);
    const [, spiffeId, roots] = /^IDENTITY (\S+) (\S+)$/m.exec(running.out) ?? [];
    expect(spiffeId).toBe('spiffe://cluster.local/ns/shop/sa/reviews');
    expect(existsSync(roots!)).toBe(false);
    expect(running.err).toBe('');
  });

  it('passes SIGTERM on to the command and ends when that has ended', async () => {
    const code = `process.on('SIGTERM', () => { console.log('bye'); process.exit(3); });
      setInterval(() => {}, 1000); console.log('up');`;
    const { running } = dev(...program(code));
    await expect.poll(() => running.out, wait).toContain('up\n');
    running.process.kill('SIGTERM');
    expect(await running.exit).toBe(3);
    expect(running.out).toContain('bye\n');
  });

  it('ends with 128 and the signal when the command ends by one', async () => {
    const { running } = dev(...program('process.kill(process.pid, "SIGKILL"); setInterval(() => {}, 1000)'));
    expect(await running.exit).toBe(137);
  });

  it('says when the command does not start', async () => {
    const { running } = dev('--', '/nowhere/program');
    expect(await running.exit).toBe(1);
    expect(running.err).toMatch(/the command does not start: .*\/nowhere\/program.*ENOENT/);
  });

  it('says with every save what is wrong or what was published', async () => {
    const { folder, running } = dev();
    const published = /^published \d+ listeners \d+ routes \d+ clusters 2 endpoints \(\d\d:\d\d:\d\d\)$/gm;
    const count = () => running.out.match(published)?.length;
    await expect.poll(() => running.addresses, wait).toBeDefined();
    await expect.poll(count, wait).toBe(1);
    folder.write('reviews.yaml', brokenYaml);
    await expect.poll(() => running.err, wait).toMatch(/reviews\.yaml:\d+:\d+: error: /);
    folder.write('reviews.yaml', `${reviewsYaml}\n`);
    await expect.poll(count, wait).toBe(2);
    running.process.kill('SIGTERM');
    expect(await running.exit).toBe(0);
  });
});
