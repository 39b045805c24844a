import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createMesh } from 'inmesh';
import { describe, expect, it } from 'vitest';
import { keep } from '../../../test/support/keep.js';
import { ConfigFolder, reviewsYaml } from './support/config-folder.js';
import { Running, run } from './support/run.js';

const wait = { timeout: 20_000 };
const freePorts = ['--xds-port', '0', '--metrics-port', '0', '--debug-port', '0', '--tls-port', '0'];

describe('inmesh serve --ca', () => {
  it('makes a root in a private folder, and a mesh gets its identity with a token', async () => {
    const folder = keep(new ConfigFolder({ 'reviews.yaml': reviewsYaml }));
    const files = keep(new ConfigFolder());
    const tokens = join(files.path, 'tokens');
    writeFileSync(tokens, 'a-token-for-reviews shop/reviews\n', { mode: 0o600 });
    const ca = join(files.path, 'ca');
    const flags = ['--ca', ca, '--ca-tokens', tokens, '--trust-domain', 'example.org'];
    const server = keep(new Running(['serve', '--config', folder.path, ...freePorts, ...flags]));
    await expect.poll(() => server.addresses, wait).toBeDefined();
    expect(server.out).toMatch(/ tls=127\.0\.0\.1:\d+\n$/);
    expect(statSync(ca).mode & 0o777).toBe(0o700);

    const mesh = keep(
      await createMesh({
        xds: server.addresses!.xds!,
        identity: {
          authority: `localhost:${server.addresses!.tls!.split(':')[1]}`,
          roots: join(ca, 'root-cert.pem'),
          token: { file: `${tokens}.missing` },
        },
      }),
    );
    expect(mesh.status().identity).toMatchObject({ problem: expect.stringContaining('INMESH_CA_TOKEN_FILE') });
    const proved = keep(
      await createMesh({
        xds: server.addresses!.xds!,
        identity: {
          authority: `localhost:${server.addresses!.tls!.split(':')[1]}`,
          roots: join(ca, 'root-cert.pem'),
          token: { text: 'a-token-for-reviews' },
        },
      }),
    );
    expect(proved.status().identity).toMatchObject({
      spiffeId: 'spiffe://example.org/ns/shop/sa/reviews',
      trustDomains: ['example.org'],
      problem: undefined,
    });
    const overTls = keep(
      await createMesh({
        xds: `tls://localhost:${server.addresses!.tls!.split(':')[1]}`,
        namespace: 'elsewhere',
        identity: {
          authority: `localhost:${server.addresses!.tls!.split(':')[1]}`,
          roots: join(ca, 'root-cert.pem'),
          token: { text: 'a-token-for-reviews' },
        },
      }),
    );
    await overTls.ready();
    // The server goes by what was proved.
    expect(server.err).toContain('"said":"elsewhere","proved":"spiffe://example.org/ns/shop/sa/reviews"');
    expect(server.err).not.toContain('a-token-for-reviews');

    expect(await run('ca', 'rotate', ca)).toMatchObject({ code: 0 });
    const roots = () => readFileSync(join(ca, 'root-cert.pem'), 'utf8').split('BEGIN CERTIFICATE').length - 1;
    await expect.poll(roots, wait).toBe(2);
    expect(existsSync(join(ca, 'rotate-requested'))).toBe(false);
    expect(await run('ca', 'rotate', ca)).toMatchObject({
      code: 1,
      err: expect.stringContaining('is under way already'),
    });
    expect(server.err).toContain(`INMESH_CA_ROOTS=${join(ca, 'root-cert.pem')}`);
    await expect.poll(() => server.err, wait).toContain('"next":"the new root signs"');
  }, 60_000);

  it.each([
    [['--tls-port', '0'], '--tls-port is for a certificate authority: give --ca DIR too'],
    [['--ca', 'x', '--ca-secret', 'mesh/ca'], '--ca and --ca-secret: give one'],
    [['--ca-secret', 'inmesh-ca'], '--ca-secret: "inmesh-ca" is not NAMESPACE/NAME'],
    [['--ca', 'x', '--ca-jwks', 'y'], '--ca-jwks and --ca-issuer: give both'],
    [['--ca', ''], '--ca is missing its folder'],
    [['--ca', 'x', '--tls-port', 'y'], '--tls-port: "y" is not a port from 0 to 65535'],
  ])('is called wrongly with %j', async (flags, message) => {
    const { code, err } = await run('serve', '--config', '.', ...flags);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});

describe('inmesh ca', () => {
  it('says how it is called, and where there is no authority', async () => {
    expect(await run('ca')).toMatchObject({ code: 2, err: expect.stringContaining('inmesh ca rotate DIR') });
    expect(await run('ca', 'rotate')).toMatchObject({ code: 2 });
    expect(await run('ca', 'rotate', 'x', '--kubernetes', 'mesh/ca')).toMatchObject({ code: 2 });
    expect(await run('ca', 'rotate', '--kubernetes', 'ca')).toMatchObject({ code: 2 });
    const { path } = keep(new ConfigFolder());
    expect(await run('ca', 'rotate', path)).toMatchObject({
      code: 1,
      err: `inmesh ca: there is no certificate authority of inmesh in ${path}\n`,
    });
  });
});
