import { describe, expect, it } from 'vitest';
import { ConfigFolder, serviceYaml } from '../support/config-folder.js';
import { startConfigServer } from '../support/config-server.js';
import { closeAfterEach, versions } from '../support/seeds.js';
import { Envoy } from './support/envoy.js';
import { adsVariants } from './support/envoy-bootstrap.js';
import { joinEnvoy, refusals } from './support/envoy-mesh.js';
import { steadyLoad } from './support/steady-load.js';

const keep = closeAfterEach();

const allTo = (host: string) => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews }
spec:
  hosts: [reviews]
  http: [{ route: [{ destination: { host: ${host} } }] }]
`;

describe.each(adsVariants)('An Envoy over ADS by %s, under load', (variant) => {
  it('loses no call when routes change to a cluster that is new, and the old one goes', async () => {
    const folder = keep(new ConfigFolder());
    const [blue, green] = await versions(keep, 'reviews', 'blue', 'green');
    folder.write('reviews.yaml', serviceYaml('reviews', []));
    folder.write('backend.yaml', `${serviceYaml('blue', [blue!])}\n---\n${allTo('blue')}`);
    const mesh = await joinEnvoy(keep, folder, variant);
    const { envoy } = mesh;
    const load = steadyLoad(envoy, 'reviews');
    for (const [name, backend] of [
      ['green', green!],
      ['blue', blue!],
      ['green', green!],
    ] as const) {
      await envoy.waitFor('calls of what is there', () => load.answers.length > 0);
      folder.write('backend.yaml', `${serviceYaml(name, [backend])}\n---\n${allTo(name)}`);
      await envoy.waitFor(`calls of ${name}`, () => load.streak(`200 ${name}`) > 30);
    }
    expect(await load.stop()).toEqual([]);
    expect(await refusals(mesh)).toEqual([]);
  });

  it('loses no call while the config server is killed and started again, and ends on the newest configuration', async () => {
    const folder = keep(new ConfigFolder());
    const [v1, v2] = await versions(keep, 'reviews', 'v1', 'v2');
    folder.write('reviews.yaml', serviceYaml('reviews', [v1!]));
    const first = await startConfigServer(folder.path);
    keep({ close: () => first.kill() });
    const envoy = keep(await Envoy.start({ variant, xds: first.xds }));
    await envoy.waitFor('the service', async () => (await envoy.answer('reviews')) === '200 v1');
    const load = steadyLoad(envoy, 'reviews');
    await first.kill('SIGKILL');
    await envoy.waitFor('the loss', async () => (await envoy.stat('control_plane.connected_state')) === 0);
    const whileAway = load.answers.length;
    await envoy.waitFor('calls without a server', () => load.answers.length > whileAway + 50);
    folder.write('reviews.yaml', serviceYaml('reviews', [v2!]));
    const second = await startConfigServer(folder.path, { xdsPort: Number(first.xds.split(':')[1]) });
    keep({ close: () => second.kill() });
    await envoy.waitFor('the newest endpoint', () => load.streak('200 v2') > 30);
    expect(await load.stop()).toEqual([]);
    const stats = await envoy.stats();
    expect([...stats].filter(([name, count]) => name.endsWith('update_rejected') && count > 0)).toEqual([]);
  });
});
