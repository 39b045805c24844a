import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { createMesh } from 'inmesh';
import { describe, expect, it } from 'vitest';
import { keep } from '../../../test/support/keep.js';
import { brokenYaml, ConfigFolder, reviewsYaml, routesYaml } from './support/config-folder.js';
import { Running } from './support/run.js';

const wait = { timeout: 10_000 };
const freePorts = ['--xds-port', '0', '--metrics-port', '0', '--debug-port', '0'];

function serve(...argv: string[]): Running {
  return keep(new Running(['serve', ...argv]));
}

describe('inmesh serve', () => {
  it('prints the LISTENING line alone on stdout, and ends with 0 at SIGTERM', async () => {
    const folder = keep(new ConfigFolder({ 'reviews.yaml': reviewsYaml }));
    const server = serve('--config', folder.path, ...freePorts);
    await expect.poll(() => server.addresses, wait).toBeDefined();
    expect((await fetch(`http://${server.addresses!.metrics}/ready`)).status).toBe(200);
    expect((await fetch(`http://${server.addresses!.debug}/debug/status`)).status).toBe(200);
    server.process.kill('SIGTERM');
    expect(await server.exit).toBe(0);
    expect(server.out).toMatch(/^LISTENING xds=127\.0\.0\.1:\d+ debug=127\.0\.0\.1:\d+ metrics=127\.0\.0\.1:\d+\n$/);
    expect(server.err).toMatch(/^published \d+ listeners \d+ routes \d+ clusters 2 endpoints$/m);
  });

  it('reads what rules say of identities by the trust domain and the root namespace that it is told', async () => {
    const policy =
      'apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: { name: a, namespace: root }\n';
    const spec = 'spec: { rules: [{ from: [{ source: { principals: [cluster.local/ns/a/sa/b] } }] }] }\n';
    const folder = keep(new ConfigFolder({ 'reviews.yaml': reviewsYaml, 'policy.yaml': `${policy}${spec}` }));
    const flags = ['--trust-domain', 'example.org', '--root-namespace', 'root'];
    const server = serve('--config', folder.path, ...flags, ...freePorts);
    await expect.poll(() => server.addresses, wait).toBeDefined();
    const dump = await fetch(`http://${server.addresses!.debug}/debug/config_dump`);
    expect(await dump.text()).toContain('spiffe://example.org/ns/a/sa/b');
  });

  it('ends with 0 at SIGINT with clients connected', async () => {
    const folder = keep(new ConfigFolder({ 'reviews.yaml': reviewsYaml }));
    const server = serve('--config', folder.path, ...freePorts);
    await expect.poll(() => server.addresses, wait).toBeDefined();
    const mesh = keep(await createMesh({ xds: server.addresses!.xds! }));
    await mesh.ready();
    server.process.kill('SIGINT');
    expect(await server.exit).toBe(0);
  });

  it('opens the ports that it is told, on the host that it is told', async () => {
    const folder = keep(new ConfigFolder({ 'reviews.yaml': reviewsYaml }));
    const ports = await Promise.all([0, 0, 0].map(freePort));
    const [xds, metrics, debug] = ports.map(String) as [string, string, string];
    const flags = ['--host', '127.0.0.2', '--xds-port', xds, '--metrics-port', metrics, '--debug-port', debug];
    const server = serve('--config', folder.path, ...flags);
    await expect.poll(() => server.out, wait).toMatch('\n');
    expect(server.out).toBe(`LISTENING xds=127.0.0.2:${xds} debug=127.0.0.2:${debug} metrics=127.0.0.2:${metrics}\n`);
  });

  it('reads several folders, and reports a broken file on stderr while it serves', async () => {
    const services = keep(new ConfigFolder({ 'reviews.yaml': reviewsYaml }));
    const routes = keep(new ConfigFolder({ 'routes.yaml': routesYaml }));
    const server = serve('--config', services.path, '--config', routes.path, ...freePorts);
    await expect.poll(() => server.addresses, wait).toBeDefined();
    routes.write('routes.yaml', brokenYaml);
    await expect.poll(() => server.err, wait).toMatch(/routes\.yaml:\d+:\d+: error: /);
    expect((await fetch(`http://${server.addresses!.metrics}/ready`)).status).toBe(200);
  });

  it('ends with 1 when a port is in use, naming the flag', async () => {
    const occupant = keep(createServer().listen(0, '127.0.0.1'));
    await once(occupant, 'listening');
    const { port } = occupant.address() as AddressInfo;
    const folder = keep(new ConfigFolder());
    const server = serve('--config', folder.path, ...freePorts.with(1, String(port)));
    expect(await server.exit).toBe(1);
    expect(server.err).toBe(
      `inmesh serve: port ${port} of 127.0.0.1 is in use by another program: choose another with --xds-port\n`,
    );
    expect(server.out).toBe('');
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.2');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
