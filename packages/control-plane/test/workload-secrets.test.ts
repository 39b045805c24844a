import type { MessageShape } from '@bufbuild/protobuf';
import { type Any, anyUnpack } from '@bufbuild/protobuf/wkt';
import { typeUrls } from '@inmesh/xds';
import {
  AggregatedDiscoveryService,
  ClientStatusDiscoveryService,
  SecretDiscoveryService,
  SecretSchema,
} from '@inmesh/xds/messages';
import { describe, expect, it } from 'vitest';
import { keep } from '../../../test/support/keep.js';
import type { CaOptions } from '../src/index.js';
import { TemporaryFolder } from './support/ca.js';
import { ConfigFolder } from './support/config-folder.js';
import { PeerStream } from './support/peer.js';
import { startServer } from './support/start.js';

const wait = { timeout: 10_000 };
const token = 'a-token-of-reviews';
const names = ['default', 'ROOTCA'];
const typeUrl = typeUrls.secret;
const node = { id: 'sidecar~10.0.0.1~pod.shop~shop.svc.cluster.local' };

async function start(ca: CaOptions = {}) {
  const tokenFile = keep(new TemporaryFolder()).write('tokens', `${token} shop/reviews\n`);
  const server = keep(await startServer(keep(new ConfigFolder()).path, { ca: { tlsPort: 0, tokenFile, ...ca } }));
  const proof = { roots: server.authority!.roots, token };
  return { server, tls: server.addresses.tls!, proof };
}

/** What came under each name last, as PEM. */
function secretsIn(anys: readonly (Any | undefined)[]): Record<string, string> {
  const secrets = anys.flatMap((any) => (any === undefined ? [] : (anyUnpack(any, SecretSchema) ?? [])));
  return Object.fromEntries(secrets.map((secret) => [secret.name, textOf(secret)]));
}

function textOf({ type }: MessageShape<typeof SecretSchema>): string {
  const sources =
    type.case === 'tlsCertificate'
      ? [type.value.certificateChain, type.value.privateKey]
      : [type.case === 'validationContext' ? type.value.trustedCa : undefined];
  return sources.map((source) => Buffer.from((source?.specifier.value ?? '') as Uint8Array).toString()).join('');
}

const { streamSecrets, deltaSecrets } = SecretDiscoveryService.method;
const { streamAggregatedResources, deltaAggregatedResources } = AggregatedDiscoveryService.method;

describe('A stream of the TLS port', () => {
  it.each([
    ['ADS', streamAggregatedResources],
    ['SDS', streamSecrets],
  ])('is given its key, its certificate and the roots by %s in the state of the world', async (_name, method) => {
    const { server, tls, proof } = await start();
    const stream = keep(new PeerStream(tls, method, proof));
    stream.send({ node, typeUrl, resourceNames: names });
    await expect.poll(() => stream.received.length, wait).toBe(1);
    const secrets = secretsIn(stream.received[0]!.resources);
    expect(secrets.default).toContain('PRIVATE KEY');
    expect(secrets.ROOTCA).toBe(server.authority!.roots.join(''));
  });

  it.each([
    ['ADS', deltaAggregatedResources],
    ['SDS', deltaSecrets],
  ])('is given them by %s incrementally, and the new root alone when there is one', async (_name, method) => {
    const { server, tls, proof } = await start();
    const stream = keep(new PeerStream(tls, method, proof));
    stream.send({ node, typeUrl, resourceNamesSubscribe: names });
    await expect.poll(() => stream.received.length, wait).toBe(1);
    const [first] = stream.received;
    expect(first!.removedResources).toEqual([]);
    expect(secretsIn(first!.resources.map(({ resource }) => resource)).default).toContain('PRIVATE KEY');
    await server.authority!.rotate();
    await expect.poll(() => stream.received.length, wait).toBe(2);
    expect(secretsIn(stream.received[1]!.resources.map(({ resource }) => resource))).toEqual({
      ROOTCA: server.authority!.roots.join(''),
    });
    expect(server.authority!.roots).toHaveLength(2);
  });

  it('has its certificate renewed without being asked', async () => {
    const { tls, proof } = await start({ sdsValidityMs: 1000 });
    const stream = keep(new PeerStream(tls, deltaSecrets, proof));
    stream.send({ node, typeUrl, resourceNamesSubscribe: ['default'] });
    await expect.poll(() => stream.received.length, wait).toBeGreaterThan(2);
    const keys = stream.received.map(({ resources }) => secretsIn(resources.map(({ resource }) => resource)).default);
    expect(new Set(keys).size).toBe(keys.length);
  });
});

it('A stream of the plain-text port is told the roots, and that there is no certificate', async () => {
  const { server } = await start();
  const stream = keep(new PeerStream(server.addresses.xds, deltaSecrets));
  stream.send({ node, typeUrl, resourceNamesSubscribe: names });
  await expect.poll(() => stream.received.length, wait).toBe(2);
  const [roots, absent] = stream.received;
  expect(secretsIn(roots!.resources.map(({ resource }) => resource))).toEqual({
    ROOTCA: server.authority!.roots.join(''),
  });
  expect(absent!.removedResources).toEqual(['default']);
});

it('Keys are shown by no page, no status and no line of the log', async () => {
  const { server, tls, proof } = await start();
  const stream = keep(new PeerStream(tls, streamAggregatedResources, proof));
  stream.send({ node, typeUrl, resourceNames: names });
  await expect.poll(() => stream.received.length, wait).toBe(1);
  const pem = secretsIn(stream.received[0]!.resources).default!;
  const [, key = ''] = /BEGIN PRIVATE KEY-----\n([^-]+)\n-----END/.exec(pem) ?? [];
  const words = key.split('\n').filter((line) => line.length > 20);
  expect(words.length).toBeGreaterThan(1);
  const errorDetail = { code: 3, message: `cannot use ${JSON.stringify(pem)}` };
  stream.send({ typeUrl, resourceNames: names, responseNonce: stream.received[0]!.nonce, errorDetail });
  await expect.poll(() => server.lines.join('\n'), wait).toMatch(/refused its configuration/);

  const status = keep(new PeerStream(server.addresses.xds, ClientStatusDiscoveryService.method.streamClientStatus));
  status.send({});
  await expect.poll(() => status.received.length, wait).toBe(1);
  const configs = status.received[0]!.config.flatMap(({ genericXdsConfigs }) => genericXdsConfigs);
  expect(configs.map(({ name }) => name).sort()).toEqual(['ROOTCA', 'default']);
  const shown = secretsIn(configs.map(({ xdsConfig }) => xdsConfig));
  expect(shown.default).toMatch(/END CERTIFICATE-----\n\[redacted\]$/);

  const { pages } = JSON.parse((await server.get('debug', '/')).text) as { pages: string[] };
  const texts = await Promise.all([
    ...pages.map(async (page) => (await server.get('debug', page)).text),
    ...['/metrics', '/ready', '/healthz'].map(async (page) => (await server.get('metrics', page)).text),
  ]);
  const errors = configs.map(({ errorState }) => errorState?.details);
  for (const text of [...texts, ...server.lines, JSON.stringify(errors), JSON.stringify(shown)]) {
    for (const word of words) expect(text).not.toContain(word);
  }
});
