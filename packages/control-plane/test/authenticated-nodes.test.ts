import { create, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { Client, type ClientDuplexStream, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import {
  ClientStatusDiscoveryService,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  SecretDiscoveryService,
  SecretSchema,
} from '@inmesh/xds/messages';
import { describe, expect, it } from 'vitest';
import { makeCertificate } from '../../../test/support/certificates.js';
import { keep } from '../../../test/support/keep.js';
import { TemporaryFolder } from './support/ca.js';
import { ConfigFolder } from './support/config-folder.js';
import { startServer } from './support/start.js';

const wait = { timeout: 10_000 };
const token = 'a-token-of-reviews';
const shop = makeCertificate();
const pay = makeCertificate();
const method = SecretDiscoveryService.method.deltaSecrets;
type Request = MessageShape<typeof method.input>;

function secretYaml(namespace: string, { certificate, key }: typeof shop): string {
  const metadata = { name: 'cert', namespace };
  const stringData = { 'tls.crt': certificate, 'tls.key': key };
  return `${JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata, type: 'kubernetes.io/tls', stringData })}\n`;
}

async function start() {
  const folder = keep(new ConfigFolder());
  folder.write('shop.yaml', secretYaml('shop', shop));
  folder.write('pay.yaml', secretYaml('pay', pay));
  const tokenFile = keep(new TemporaryFolder()).write('tokens', `${token} shop/reviews\n`);
  return keep(await startServer(folder.path, { ca: { tlsPort: 0, tokenFile } }));
}

/** A stream of the TLS port. */
class TlsStream {
  readonly received: DeltaDiscoveryResponse[] = [];
  error: ServiceError | undefined;
  readonly #client: Client;
  readonly #stream: ClientDuplexStream<Request, DeltaDiscoveryResponse>;

  constructor({ addresses, authority }: Awaited<ReturnType<typeof start>>, bearer?: string) {
    const roots = Buffer.from(authority!.roots.join(''));
    this.#client = new Client(addresses.tls!, credentials.createSsl(roots), { 'grpc.use_local_subchannel_pool': 1 });
    const metadata = new Metadata();
    if (bearer !== undefined) metadata.set('authorization', `Bearer ${bearer}`);
    this.#stream = this.#client.makeBidiStreamRequest(
      `/${method.parent.typeName}/${method.name}`,
      (request: Request) => Buffer.from(toBinary(DeltaDiscoveryRequestSchema, request)),
      (bytes) => fromBinary(method.output, bytes),
      metadata,
    );
    this.#stream.on('error', (error: ServiceError) => {
      this.error = error;
    });
    this.#stream.on('data', (response: DeltaDiscoveryResponse) => this.received.push(response));
  }

  subscribe(node: { id: string } | undefined): void {
    const names = { resourceNamesSubscribe: ['kubernetes://cert'] };
    this.#stream.write(create(DeltaDiscoveryRequestSchema, node === undefined ? names : { ...names, node }));
  }

  get key(): string | undefined {
    const { resource } = this.received[0]?.resources[0] ?? {};
    const type = resource && anyUnpack(resource, SecretSchema)?.type;
    const { value } = type?.case === 'tlsCertificate' ? type.value.privateKey!.specifier : {};
    return value === undefined ? undefined : Buffer.from(value as Uint8Array).toString();
  }

  close(): void {
    this.#stream.cancel();
    this.#client.close();
  }
}

const nodeIn = (namespace: string) => ({ id: `sidecar~10.0.0.1~pod.${namespace}~${namespace}.svc.cluster.local` });

describe('On the TLS port', () => {
  it('a node is given the keys of its own namespace', async () => {
    const server = await start();
    const stream = keep(new TlsStream(server, token));
    stream.subscribe(nodeIn('shop'));
    await expect.poll(() => stream.key, wait).toBe(shop.key);
    expect(server.lines.join('\n')).not.toContain('another namespace');
  });

  it.each([
    ['says that it is of another', nodeIn('pay')],
    ['says nothing at all', undefined],
  ])('a node that %s is given those of the one that it has proved', async (_name, node) => {
    const server = await start();
    const stream = keep(new TlsStream(server, token));
    stream.subscribe(node);
    await expect.poll(() => stream.key, wait).toBe(shop.key);
    const isLogged = server.lines.includes(
      'a client says that it is of another namespace than it has proved: it is given its own',
    );
    expect(isLogged).toBe(node !== undefined);
  });

  it.each([undefined, 'a-token-of-nobody'])('a node that proves nothing (%s) is given nothing', async (bearer) => {
    const server = await start();
    const stream = keep(new TlsStream(server, bearer));
    stream.subscribe(nodeIn('shop'));
    await expect.poll(() => stream.error?.code, wait).toBe(status.UNAUTHENTICATED);
    expect(stream.received).toEqual([]);
  });

  it('nobody sees what others were given', async () => {
    const server = await start();
    const roots = Buffer.from(server.authority!.roots.join(''));
    const client = keep(new Client(server.addresses.tls!, credentials.createSsl(roots)));
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${token}`);
    const { parent, name } = ClientStatusDiscoveryService.method.fetchClientStatus;
    const error = await new Promise<ServiceError | null>((resolve) => {
      const nothing = (): Buffer => Buffer.alloc(0);
      client.makeUnaryRequest(`/${parent.typeName}/${name}`, nothing, nothing, {}, metadata, resolve);
    });
    expect(error?.code).toBe(status.UNIMPLEMENTED);
  });
});
