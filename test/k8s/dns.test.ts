import { createSocket, type Socket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { createMesh, type Mesh } from 'inmesh';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Backend, startBackend } from '../support/backends.js';
import { keep } from '../support/keep.js';
import { pacedLoad } from '../support/paced-load.js';
import { ApiServer } from './support/api-server.js';
import { makeNamespace } from './support/cluster-objects.js';
import { CoreDns } from './support/core-dns.js';
import { hostAddress } from './support/host-address.js';
import { endpointSlice, type SliceEndpoint, service } from './support/objects.js';
import { waitFor } from './support/wait-for.js';
import { RunningPod } from './support/workloads.js';

const namespace = 'shop';
const zone = 'svc.cluster.local';
const search = [`${namespace}.${zone}`, zone, 'cluster.local'];
const ttl = 2;
const headless = { ports: [{ name: 'http', port: 80 }], spec: { clusterIP: 'None' } };
let server: ApiServer;
let coreDns: CoreDns;

beforeAll(async () => {
  server = await ApiServer.start();
  await makeNamespace(server.api, namespace);
  coreDns = await CoreDns.start(server, { ttl });
});

afterAll(async () => {
  await coreDns?.close();
  await server?.close();
});

/**
 * Stands for the cluster's network: the addresses of pods and services are of loopback for those who ask this one, with
 * 127 for the 10 in front. All else is as CoreDNS said it. An EndpointSlice may not have an address of loopback itself.
 */
class ClusterNetwork {
  /** The addresses in each answer that had any. */
  readonly answers: string[][] = [];
  readonly #underWay = new Set<Socket>();
  readonly #socket = createSocket('udp4', (query, from) => {
    const upstream = createSocket('udp4', (answer) => {
      this.#translate(answer);
      this.#socket.send(answer, from.port, from.address);
      this.#underWay.delete(upstream);
      upstream.close();
    });
    this.#underWay.add(upstream);
    upstream.send(query, coreDns.port, '127.0.0.1');
  });

  static async open(): Promise<ClusterNetwork> {
    const network = new ClusterNetwork();
    network.#socket.bind(0, '127.0.0.1');
    await once(network.#socket, 'listening');
    return network;
  }

  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  /** Type A, class IN, a TTL, four bytes that start with those of the pods' network or of the services'. */
  #translate(answer: Buffer): void {
    const found: string[] = [];
    for (const { index } of answer.toString('hex').matchAll(/00010001.{8}00040a(?:f4|60)/g)) {
      if (index % 2 !== 0) continue;
      const at = index / 2 + 10;
      answer[at] = 127;
      found.push(answer.subarray(at, at + 4).join('.'));
    }
    if (found.length > 0) this.answers.push(found);
  }

  close(): void {
    this.#socket.close();
    for (const socket of this.#underWay) socket.close();
  }
}

async function joinBy(dns: string): Promise<Mesh> {
  return keep(await createMesh({ dns: { servers: [dns], search, ndots: 5 } }));
}

/** As the pods of a StatefulSet: `cart-1` has the address 10.244.0.1, and answers with its name, here at 127.244.0.1. */
async function startPods(name: string, count: number): Promise<{ readonly port: number; readonly pods: Backend[] }> {
  const pods: Backend[] = [];
  for (let i = 0; i < count; i += 1) {
    pods.push(keep(await startBackend(name, `${name}-${i}`, undefined, pods[0]?.port, `127.244.0.${i}`)));
  }
  return { port: pods[0]!.port, pods };
}

function endpoint(name: string, index: number, conditions: Partial<SliceEndpoint> = {}): SliceEndpoint {
  return { address: `10.244.0.${index}`, hostname: `${name}-${index}`, pod: `${name}-${index}`, ...conditions };
}

async function announce(name: string, port: number, endpoints: readonly SliceEndpoint[]): Promise<void> {
  await server.api.apply(endpointSlice(namespace, name, { ports: [{ name: 'http', port }], endpoints }));
}

function resolverOf(address: string): Resolver {
  const resolver = new Resolver();
  resolver.setServers([address]);
  return resolver;
}

async function known(name: string, network: ClusterNetwork): Promise<void> {
  const resolver = resolverOf(network.address);
  const found = () => resolver.resolve4(`${name}.${namespace}.${zone}`).catch(() => []);
  await waitFor(`${name} in DNS`, async () => (await found()).length > 0);
}

async function answersOf(mesh: Mesh, url: string, count: number): Promise<string[]> {
  const answers = new Set<string>();
  for (let i = 0; i < count; i += 1) answers.add(await (await mesh.fetch(url)).text());
  return [...answers].sort();
}

/** What the first answer said is in use when the second is there. Bounded by two lifetimes, and one more for a busy machine. */
async function heardTwice(
  { answers }: ClusterNetwork,
  what: string,
  isSo: (answer: readonly string[]) => boolean,
): Promise<void> {
  const from = answers.length;
  const heard = () => answers.slice(from).filter(isSo).length >= 2;
  await waitFor(what, heard, { bound: 3 * ttl * 1000 });
}

async function statefulSet(name: string): Promise<{ readonly mesh: Mesh; readonly port: number }> {
  const { port } = await startPods(name, 4);
  await server.api.apply(service(namespace, name, headless));
  await announce(
    name,
    port,
    [0, 1, 2, 3].map((index) => endpoint(name, index, { ready: index < 3 })),
  );
  const network = keep(await ClusterNetwork.open());
  await known(name, network);
  return { mesh: await joinBy(network.address), port };
}

describe('a mesh with the DNS of a cluster', () => {
  it('spreads calls of a headless Service over all pods that are ready', async () => {
    const { mesh, port } = await statefulSet('cart');
    expect(await answersOf(mesh, `http://cart.shop:${port}/`, 60)).toEqual(['cart-0', 'cart-1', 'cart-2']);
  });

  it.each(['users', 'users.shop', 'users.shop.svc', `users.shop.${zone}`, `users.shop.${zone}.`])(
    'completes %s by the search list of a pod',
    async (host) => {
      const { mesh, port } = await statefulSet('users');
      expect(await answersOf(mesh, `http://${host}:${port}/`, 60)).toEqual(['users-0', 'users-1', 'users-2']);
    },
  );

  it('calls the one pod of a StatefulSet that has the host name', async () => {
    const { mesh, port } = await statefulSet('store');
    expect(await answersOf(mesh, `http://store-0.store.shop.${zone}:${port}/`, 10)).toEqual(['store-0']);
    expect(await answersOf(mesh, `http://store-2.store:${port}/`, 10)).toEqual(['store-2']);
    await expect(mesh.fetch(`http://store-3.store:${port}/`)).rejects.toMatchObject({ reason: 'no_healthy_upstream' });
  });

  it('calls a Service at its cluster IP, not its pods', async () => {
    const { spec } = await server.api.apply(service(namespace, 'orders', { ports: headless.ports }));
    const here = String(Reflect.get(spec, 'clusterIP')).replace(/^10\./, '127.');
    const proxy = keep(await startBackend('orders', 'proxy', undefined, 0, here));
    await announce('orders', proxy.port, [endpoint('orders', 0)]);
    const network = keep(await ClusterNetwork.open());
    await known('orders', network);
    const mesh = await joinBy(network.address);
    expect(await answersOf(mesh, `http://orders:${proxy.port}/`, 10)).toEqual(['proxy']);
    expect(new Set(network.answers.flat())).toEqual(new Set([here]));
  });
});

describe('the SRV record of a named port', () => {
  it('gives the address and the port of every pod, straight from CoreDNS', async () => {
    await server.api.apply(service(namespace, 'rates', headless));
    for (const version of ['a', 'b', 'c']) {
      const of = { namespace, service: 'rates', name: `rates-${version}`, version };
      const pod = keep(await RunningPod.start(server.api, of));
      await pod.announce({ ready: version !== 'c' });
    }
    const resolver = resolverOf(coreDns.address);
    const records = () => resolver.resolveSrv(`_http._tcp.rates.shop.${zone}`).catch(() => []);
    await waitFor('both pods in DNS', async () => (await records()).length === 2);
    expect(await resolver.resolve4(`rates.shop.${zone}`)).toEqual([hostAddress()]);
    const mesh = await joinBy(coreDns.address);
    expect(await answersOf(mesh, 'http://_http._tcp.rates.shop/', 40)).toEqual(['a', 'b']);
    expect(await answersOf(mesh, `http://_http._tcp.rates.shop.${zone}/`, 40)).toEqual(['a', 'b']);
  });
});

describe('under load', () => {
  it.each([
    { by: 'the name', name: 'named', host: (port: number) => `named.shop:${port}` },
    { by: 'SRV', name: 'served', host: () => '_http._tcp.served.shop' },
  ])('takes up a pod and leaves one within the TTL, with no failed call, by $by', async ({ name, host }) => {
    const { port, pods } = await startPods(name, 3);
    const [old, , next] = pods as [Backend, Backend, Backend];
    await server.api.apply(service(namespace, name, headless));
    await announce(name, port, [endpoint(name, 0), endpoint(name, 1)]);
    const network = keep(await ClusterNetwork.open());
    await known(name, network);
    const mesh = await joinBy(network.address);
    const load = pacedLoad(100, [async () => expect((await mesh.fetch(`http://${host(port)}/`)).status).toBe(200)]);
    keep({ close: () => load.stop() });
    await load.more(100);

    await announce(name, port, [endpoint(name, 0), endpoint(name, 1), endpoint(name, 2)]);
    await heardTwice(network, 'the new pod', (answer) => answer.includes('127.244.0.2'));
    expect(next.requests.length).toBeGreaterThan(0);

    await announce(name, port, [
      endpoint(name, 0, { ready: false, serving: true, terminating: true }),
      endpoint(name, 1),
      endpoint(name, 2),
    ]);
    await heardTwice(network, 'the end of the old one', (answer) => !answer.includes('127.244.0.0'));
    await load.turnedOver();
    const count = old.requests.length;
    await load.more(100);
    expect(old.requests.length).toBe(count);
    await announce(name, port, [endpoint(name, 1), endpoint(name, 2)]);
    await old.close();
    await load.more(100);
    await load.stop();
    expect(count).toBeGreaterThan(0);
    expect(load.failures).toEqual([]);
  });
});
