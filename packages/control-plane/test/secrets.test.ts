import { create } from '@bufbuild/protobuf';
import { type Any, anyUnpack } from '@bufbuild/protobuf/wkt';
import { ConfigSet } from '@inmesh/config';
import { typeUrls } from '@inmesh/xds';
import {
  AggregatedDiscoveryService,
  ClientStatusDiscoveryService,
  NodeSchema,
  SecretDiscoveryService,
  SecretSchema,
} from '@inmesh/xds/messages';
import { versionSnapshot } from '@inmesh/xds/server';
import { describe, expect, it } from 'vitest';
import { makeCertificate } from '../../../test/support/certificates.js';
import { keep } from '../../../test/support/keep.js';
import { ClientViews } from '../src/client-views.js';
import { ConfigFolder } from './support/config-folder.js';
import { PeerStream } from './support/peer.js';
import { type StartedServer, startServer } from './support/start.js';

const wait = { timeout: 10_000 };

const { certificate, key } = makeCertificate();
const broken = makeCertificate();

/** What must not be seen: the lines of both keys, and the same as it is in `data`. */
const secretWords = [key, broken.key, btoa(key), btoa(broken.key)]
  .flatMap((text) => text.split('\n'))
  .filter((line) => !line.includes('----') && line.length > 20)
  .map((line) => line.slice(0, 30));

function secretYaml(namespace: string, values: object): string {
  const metadata = { name: 'cert', namespace };
  return `${JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata, type: 'kubernetes.io/tls', ...values })}\n`;
}

async function start(files: Record<string, string>): Promise<{ folder: ConfigFolder; server: StartedServer }> {
  const folder = keep(new ConfigFolder());
  for (const [name, text] of Object.entries(files)) folder.write(name, text);
  return { folder, server: keep(await startServer(folder.path)) };
}

const stringData = { 'tls.crt': certificate, 'tls.key': key };
const nodeIn = (namespace: string) => ({ id: `sidecar~10.0.0.1~pod.${namespace}~${namespace}.svc.cluster.local` });
const name = 'kubernetes://cert';

function keyIn(any: Any | undefined): string {
  const type = any === undefined ? undefined : anyUnpack(any, SecretSchema)?.type;
  const { value } = type?.case === 'tlsCertificate' ? type.value.privateKey!.specifier : { value: '' };
  return Buffer.from(value as Uint8Array).toString();
}

describe('Secrets in the folder', () => {
  it('are served to clients of their own namespace, and follow a save', async () => {
    const { folder, server } = await start({ 'shop.yaml': secretYaml('shop', { stringData }) });
    const streamOf = (namespace: string) => {
      const stream = keep(new PeerStream(server.addresses.xds, SecretDiscoveryService.method.deltaSecrets));
      stream.send({ resourceNamesSubscribe: [name], node: nodeIn(namespace) });
      return stream;
    };
    const [shop, pay] = [streamOf('shop'), streamOf('pay')];
    await expect.poll(() => keyIn(shop.received[0]?.resources[0]?.resource), wait).toBe(key);
    await expect.poll(() => pay.received[0]?.removedResources, wait).toEqual([name]);
    const next = makeCertificate();
    folder.write('shop.yaml', secretYaml('shop', { stringData: { 'tls.crt': next.certificate, 'tls.key': next.key } }));
    await expect.poll(() => keyIn(shop.received[1]?.resources[0]?.resource), wait).toBe(next.key);
    expect(pay.received).toHaveLength(1);
  });

  it('of the default client are not given to another, when what is for that one cannot be used', () => {
    const files = new ConfigSet();
    const { config } = files.update([{ path: 'a.yaml', text: secretYaml('default', { stringData }) }]);
    const silent = { info() {}, warn() {}, error() {} };
    const views = new ClientViews({ defaultClient: { namespace: 'default' }, logger: silent });
    const load = () => {
      throw new Error('broken');
    };
    views.setVersioned(versionSnapshot(config!.resources, undefined), { traits: config!.client, load });
    const namesFor = (namespace: string) => [
      ...(views.snapshotFor(create(NodeSchema, nodeIn(namespace)))?.secret.resources.keys() ?? []),
    ];
    expect(namesFor('default')).toContain(name);
    expect(namesFor('shop')).toEqual([]);
  });

  it('are shown by no page, no status and no line of the log with their keys', async () => {
    const wrong = { 'tls.crt': certificate, 'tls.key': broken.key };
    const { folder, server } = await start({ 'cert.yaml': secretYaml('default', { stringData }) });
    const stream = keep(
      new PeerStream(server.addresses.xds, AggregatedDiscoveryService.method.streamAggregatedResources),
    );
    stream.send({ typeUrl: typeUrls.secret, resourceNames: [name], node: nodeIn('default') });
    await expect.poll(() => keyIn(stream.received[0]?.resources[0]), wait).toBe(key);
    const errorDetail = { code: 3, message: `cannot use ${JSON.stringify(key)}` };
    const responseNonce = stream.received[0]!.nonce;
    stream.send({ typeUrl: typeUrls.secret, resourceNames: [name], responseNonce, errorDetail });
    folder.write('other.yaml', secretYaml('other', { stringData: wrong }));
    folder.write('broken.yaml', `apiVersion: v1\nkind: Secret\nstringData:\n  tls.key: |\n${broken.key}`);
    await expect.poll(() => server.lines.join('\n'), wait).toMatch(/other\.yaml.*is not the key of the certificate/);
    await expect.poll(() => server.lines.join('\n'), wait).toMatch(/refused its configuration/);

    const status = keep(new PeerStream(server.addresses.xds, ClientStatusDiscoveryService.method.streamClientStatus));
    status.send({});
    await expect.poll(() => status.received.length, wait).toBe(1);
    const shown = status.received[0]!.config.flatMap(({ genericXdsConfigs }) => genericXdsConfigs);
    expect(shown.map((config) => [config.name, keyIn(config.xdsConfig)])).toEqual([[name, '[redacted]']]);

    const { pages } = JSON.parse((await server.get('debug', '/')).text) as { pages: string[] };
    expect(pages).toContain('/debug/config_dump');
    const texts = await Promise.all([
      ...pages.map(async (page) => (await server.get('debug', page)).text),
      ...['/metrics', '/ready', '/healthz'].map(async (page) => (await server.get('metrics', page)).text),
    ]);
    expect(texts.join('\n')).toContain('[redacted]');
    for (const text of [
      ...texts,
      ...server.lines,
      JSON.stringify(shown.map(({ errorState }) => errorState?.details)),
    ]) {
      for (const word of secretWords) expect(text).not.toContain(word);
    }
  });
});
