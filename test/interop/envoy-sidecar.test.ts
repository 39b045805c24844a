import { describe, expect, it } from 'vitest';
import { ConfigFolder } from '../support/config-folder.js';
import { IdentityFolder } from '../support/identity-folder.js';
import { constantLoad } from '../support/load.js';
import { MeshAuthority } from '../support/mesh-authority.js';
import { closeAfterEach } from '../support/seeds.js';
import { Envoy, type EnvoyOptions } from './support/envoy.js';
import { adsVariants, byAds, byService } from './support/envoy-bootstrap.js';
import { refusals } from './support/envoy-mesh.js';
import { fixedPort } from './support/fixed-port.js';
import {
  fetchPair,
  GivenAuthority,
  listenFor,
  mutualTls,
  type SecuredMesh,
  securedService,
  serveSecured,
  spiffeIdOf,
  strict,
} from './support/secured-mesh.js';
import { tlsListener } from './support/tls-listener.js';

const keep = closeAfterEach();
const accounts = ['reviews', 'shop', 'stranger'];

async function start(...yaml: string[]) {
  const folder = keep(new ConfigFolder());
  folder.write('rules.yaml', [strict, ...yaml].join('\n---\n'));
  const mesh = await serveSecured(keep, folder, accounts);
  return { folder, ...mesh };
}

type Options = Pick<EnvoyOptions, 'variant'> & Partial<EnvoyOptions>;

/** An Envoy that has nothing but its bootstrap. */
function sidecar({ server, tlsOf }: SecuredMesh, account: string, options: Options): Promise<Envoy> {
  return Envoy.start({ xds: server.tls, tls: tlsOf(account), ...options }).then(keep);
}

const allowYaml = (account: string) => `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: allow, namespace: default }
spec: { rules: [{ from: [{ source: { principals: ["cluster.local/ns/default/sa/${account}"] } }] }] }
`;

describe.each(adsVariants)('An Envoy over ADS by %s, with nothing but a bootstrap,', (variant) => {
  it.each([
    ['as its endpoint says (auto mTLS)', ''],
    ['as a rule says (ISTIO_MUTUAL)', mutualTls('reviews')],
  ])('calls a server of the SDK under STRICT by mutual TLS, %s', async (_name, rule) => {
    const mesh = await start(rule);
    const port = await listenFor(keep, await mesh.join('reviews'));
    mesh.folder.write('reviews.yaml', securedService('reviews', port));
    const envoy = await sidecar(mesh, 'shop', { variant });
    await envoy.waitFor('an answer', async () => (await envoy.answer('reviews')).startsWith('200'));
    expect(await envoy.answer('reviews')).toBe(`200 hello ${spiffeIdOf('shop')}`);
    expect(await refusals({ server: mesh.server, envoy })).toEqual([]);
  });

  it('is taken by the certificate of its bootstrap, and given one of the same identity', async () => {
    const mesh = await start();
    const port = await listenFor(keep, await mesh.join('reviews'));
    mesh.folder.write('reviews.yaml', securedService('reviews', port));
    const proof = await fetchPair(mesh, 'shop');
    const envoy = await sidecar(mesh, 'shop', { variant, tls: { ...mesh.tlsOf('shop'), proof } });
    await envoy.waitFor('an answer', async () => (await envoy.answer('reviews')).startsWith('200'));
    expect(await envoy.answer('reviews')).toBe(`200 hello ${spiffeIdOf('shop')}`);
  });

  it('sends nothing to a server that is another service account', async () => {
    const mesh = await start();
    const port = await listenFor(keep, await mesh.join('stranger'));
    mesh.folder.write('reviews.yaml', securedService('reviews', port));
    const envoy = await sidecar(mesh, 'shop', { variant });
    const failed = () => envoy.stat('cluster.outbound|80||reviews.default.svc.cluster.local.ssl.fail_verify_san');
    await envoy.waitFor('a refusal', async () => {
      await envoy.answer('reviews');
      return (await failed()) > 0;
    });
    expect(await envoy.answer('reviews')).toMatch(/^503 /);
  });

  it('that is another service account than the policy allows is refused by the SDK', async () => {
    const mesh = await start(allowYaml('shop'));
    const port = await listenFor(keep, await mesh.join('reviews'));
    mesh.folder.write('reviews.yaml', securedService('reviews', port));
    const envoys = await Promise.all(['shop', 'stranger'].map((account) => sidecar(mesh, account, { variant })));
    for (const [envoy, status] of [
      [envoys[0]!, '200'],
      [envoys[1]!, '403'],
    ] as const) {
      await envoy.waitFor('an answer', async () => /^[24]/.test(await envoy.answer('reviews')));
      expect(await envoy.answer('reviews')).toMatch(status);
    }
  });
});

const sources = adsVariants.flatMap((variant) => [
  [variant, 'ADS'] as const,
  [variant, 'the secret discovery service'] as const,
]);

describe.each(sources)('A sidecar by %s that takes its secrets from %s', (variant, source) => {
  async function calledBy(caller: string, { as = 'reviews', client = 'shop' } = {}) {
    const mesh = await start(mutualTls('reviews', 'reviews'));
    const port = await fixedPort();
    mesh.folder.write('reviews.yaml', securedService('reviews', port));
    const secrets = source === 'ADS' ? byAds : byService(variant, mesh.tlsOf(as));
    const names = { certificate: 'default', authorities: 'ROOTCA', client: spiffeIdOf(client) };
    const envoy = await sidecar(mesh, as, { variant, listeners: [tlsListener({ port, source: secrets, ...names })] });
    await envoy.waitFor('its secrets', async () => (await envoy.stat('listener_manager.total_listeners_active')) > 0);
    await envoy.waitFor('its workers', async () => (await envoy.stat('listener_manager.workers_started')) === 1);
    const sdk = await mesh.join(caller);
    const answer = async () => {
      const response = await sdk.fetch('http://reviews/').catch((error: Error) => error);
      return response instanceof Error
        ? String(response.cause ?? response)
        : `${response.status} ${await response.text()}`;
    };
    return { mesh, envoy, answer };
  }

  it('is called by the SDK over mutual TLS, each sure of the other', async () => {
    const { envoy, answer, mesh } = await calledBy('shop');
    await envoy.waitFor('an answer', async () => (await answer()) === '200 secured');
    expect(await refusals({ server: mesh.server, envoy })).toEqual([]);
  });

  it('refuses a caller that is another service account', async () => {
    const { envoy, answer } = await calledBy('stranger');
    const isRefused = async () =>
      [...(await envoy.stats())].some(([name, count]) => name.endsWith('ssl.fail_verify_san') && count > 0);
    await envoy.waitFor('a refusal', async () => {
      expect(await answer()).not.toContain('secured');
      return isRefused();
    });
  });

  it('is sent nothing when it is another service account itself', async () => {
    const { envoy, answer } = await calledBy('shop', { as: 'stranger' });
    await envoy.waitFor('a refusal', async () => (await answer()).includes('unexpected_identity'));
  });
});

it('While leaves rotate and the root changes, no call is lost in either direction', async () => {
  const [old, next] = [new MeshAuthority(), new MeshAuthority()];
  const both = old.bundle + next.bundle;
  const given = keep(new GivenAuthority());
  given.write(old, old.bundle);
  const folder = keep(new ConfigFolder());
  const mesh = await serveSecured(keep, folder, ['sidecar'], { folder: given.path, sdsValidityMs: 8000 });
  const [reviews, shop] = ['reviews', 'shop'].map((name) => keep(new IdentityFolder(old.issue(name))));
  const join = (identity: IdentityFolder) => mesh.join('', { identity: identity.path });
  const [server, client] = [await join(reviews!), await join(shop!)];
  const port = await fixedPort();
  const reviewsPort = await listenFor(keep, server);
  const services = [securedService('reviews', reviewsPort), securedService('sidecar', port)];
  folder.write('all.yaml', [strict, mutualTls('sidecar', 'sidecar'), ...services].join('\n---\n'));
  const listeners = [tlsListener({ port, certificate: 'default', authorities: 'ROOTCA', client: spiffeIdOf('shop') })];
  const envoy = await sidecar(mesh, 'sidecar', { variant: 'DELTA_GRPC', listeners });
  const fromEnvoy = () => envoy.answer('reviews');
  const toEnvoy = async () => {
    const response = await client.fetch('http://sidecar/');
    return `${response.status} ${await response.text()}`;
  };
  await envoy.waitFor('an answer', async () => (await fromEnvoy()).startsWith('200'));
  await envoy.waitFor('an answer', async () => (await toEnvoy().catch(String)) === '200 secured');

  const loads = [fromEnvoy, toEnvoy].map((call) => constantLoad(1, call));
  const updates = (name: string) => envoy.stat(`sds.${name}.update_success`);
  const pass = async (authority: MeshAuthority, trusted: string, signerChanges: number) => {
    const [leaves, roots] = [await updates('default'), await updates('ROOTCA')];
    given.write(authority, trusted);
    const taken = () => mesh.server.lines.filter((line) => line.startsWith('a new certificate of the outside CA'));
    await envoy.waitFor('the change to be seen', () => taken().length === signerChanges, 30_000);
    if (authority === old || trusted !== both) {
      await envoy.waitFor('the roots', async () => (await updates('ROOTCA')) > roots);
    }
    for (const [identity, name, one] of [
      [reviews!, 'reviews', server],
      [shop!, 'shop', client],
    ] as const) {
      const before = one.status().identity?.expiresAt;
      const notAfter = new Date(Date.now() + signerChanges * 10 * 24 * 3_600_000);
      identity.swap({ ...authority.issue(name, { notAfter }), bundle: trusted });
      await envoy.waitFor('the files to be read', () => one.status().identity?.expiresAt !== before);
    }
    await envoy.waitFor('two more leaves', async () => (await updates('default')) >= leaves + 2, 30_000);
  };
  await pass(old, both, 1);
  await pass(next, both, 2);
  await pass(next, next.bundle, 3);
  for (const load of loads) await load.stop();
  expect(loads.map(({ failures }) => failures)).toEqual([[], []]);
  expect(loads.map(({ answers }) => [...new Set(answers)])).toEqual([
    [`200 hello ${spiffeIdOf('sidecar')}`],
    ['200 secured'],
  ]);
}, 180_000);
