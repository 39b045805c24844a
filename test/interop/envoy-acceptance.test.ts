import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Backend, startBackend } from '../support/backends.js';
import { ConfigFolder, serviceYaml } from '../support/config-folder.js';
import { type Closable, subsetsOf } from '../support/seeds.js';
import { Envoy } from './support/envoy.js';
import { adsVariants } from './support/envoy-bootstrap.js';
import { type EnvoyMesh, isAcknowledged, refusals } from './support/envoy-mesh.js';
import { listenFor, securedService, serveSecured, spiffeIdOf, strict } from './support/secured-mesh.js';

const repository = join(import.meta.dirname, '..', '..');
const seedFolder = join(repository, 'test', 'fixtures', 'seed-configs');

/** What one configuration says, by the name that it is known by. */
const seeds = readdirSync(seedFolder).map((file): [string, string] => [
  file.replace('.yaml', ''),
  readFileSync(join(seedFolder, file), 'utf8'),
]);

const examples = readdirSync(join(repository, 'examples')).map((name): [string, string] => {
  const folder = join(repository, 'examples', name, 'config');
  const texts = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'));
  return [`example ${name}`, texts.join('\n---\n')];
});

/** The services that seeds are about; those that they or an example bring themselves are left out. */
const services = ['helloapp', 'service1', 'service2', 'reviews', 'ratings', 'productpage', 'webapp', 'frontend'];
const declares = (text: string, kind: string, name: string) =>
  text
    .split(/^---$/m)
    .some((object) => new RegExp(`^kind: ${kind}$`, 'm').test(object) && object.includes(`name: ${name}`));

function around(text: string, backend: Backend): string {
  const missing = services.filter((name) => !declares(text, 'Service', name));
  const withoutSubsets = services.filter((name) => !declares(text, 'DestinationRule', name));
  const instances = ['v1', 'v2', 'v3'].map((version) => ({ ...backend, version }));
  return [...missing.map((name) => serviceYaml(name, instances)), ...withoutSubsets.map(subsetsOf)].join('\n---\n');
}

const modes = adsVariants.flatMap((variant) => [
  [variant, 'an HTTP proxy', true] as const,
  [variant, 'a sidecar with redirected connections', false] as const,
]);

describe.each(modes)('An Envoy over ADS by %s, as %s,', (variant, _, isProxy) => {
  const open: Closable[] = [];
  const keep = <T extends Closable>(one: T): T => {
    open.push(one);
    return one;
  };
  const folder = keep(new ConfigFolder());
  let backend: Backend;
  /** The port of one that takes nothing but mutual TLS. */
  let securedPort: number;
  let mesh: EnvoyMesh;

  beforeAll(async () => {
    backend = keep(await startBackend('any', 'here'));
    const { server, tlsOf, join: joinAs } = await serveSecured(keep, folder, ['caller', 'secured']);
    const own = keep(new ConfigFolder());
    own.write('strict.yaml', strict);
    securedPort = await listenFor(keep, await joinAs('secured', { config: own.path }));
    mesh = { server, envoy: keep(await Envoy.start({ variant, xds: server.tls, tls: tlsOf('caller'), isProxy })) };
  });

  afterAll(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });

  /** A service that comes with the configuration: once there are routes to it, all of the configuration has been taken. */
  async function taken(marker: string): Promise<void> {
    const { envoy, server } = mesh;
    await envoy.waitFor(`${marker} or a refusal`, async () => {
      if ((await refusals(mesh)).length > 0) return true;
      const dump = JSON.stringify(await envoy.configDump());
      return (await isAcknowledged(server)) && dump.includes(`"${marker}.default.svc.cluster.local:80"`);
    });
  }

  it.each([...seeds, ...examples])('accepts all of %s', async (name, text) => {
    const marker = `marker-${name.replaceAll(/\W+/g, '-')}`;
    const isMutual = text.includes('mode: ISTIO_MUTUAL');
    const ofMarker = isMutual ? securedService(marker, securedPort, 'secured') : serviceYaml(marker, [backend]);
    folder.write('config.yaml', `${text}\n---\n${around(text, backend)}\n---\n${ofMarker}`);
    await taken(marker);
    expect(await refusals(mesh)).toEqual([]);
    expect(mesh.server.lines.filter((line) => line.includes('error'))).toEqual([]);
    const stats = await mesh.envoy.stats();
    const updates = [...stats].filter(([stat]) => stat.endsWith('.update_success'));
    for (const kind of [/^cluster_manager\.cds\./, /^listener_manager\.lds\./, /\.rds\./, /^cluster\.outbound/]) {
      const ofKind = updates.filter(([stat]) => kind.test(stat));
      expect(ofKind.length, `${kind}`).toBeGreaterThan(0);
      expect(ofKind.filter(([, count]) => count === 0)).toEqual([]);
    }
    const expected = isMutual ? `200 hello ${spiffeIdOf('caller')}` : '200 here';
    if (isProxy) expect(await mesh.envoy.answer(marker)).toBe(expected);
  });
});
