import type { MessageInitShape } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { typeUrls } from '@inmesh/xds';
import {
  AggregatedDiscoveryService,
  ClusterLoadAssignmentSchema,
  ListenerSchema,
  type NodeSchema,
} from '@inmesh/xds/messages';
import { describe, expect, it } from 'vitest';
import { keep } from '../../../test/support/keep.js';
import { ConfigFolder, serviceYaml } from './support/config-folder.js';
import { PeerStream } from './support/peer.js';
import { type StartedServer, startServer } from './support/start.js';

const wait = { timeout: 10_000 };

async function start(files: Record<string, string>): Promise<{ folder: ConfigFolder; server: StartedServer }> {
  const folder = keep(new ConfigFolder());
  for (const [name, text] of Object.entries(files)) folder.write(name, text);
  return { folder, server: keep(await startServer(folder.path)) };
}

type NodeInit = MessageInitShape<typeof NodeSchema>;

/** What a client is given of one type, by a stream of its own. */
class TypeWatch {
  readonly #stream: PeerStream<typeof AggregatedDiscoveryService.method.deltaAggregatedResources>;

  constructor(server: StartedServer, typeUrl: string, node: NodeInit, names: readonly string[] = ['*']) {
    const { deltaAggregatedResources } = AggregatedDiscoveryService.method;
    this.#stream = keep(new PeerStream(server.addresses.xds, deltaAggregatedResources));
    this.#stream.send({ typeUrl, node, resourceNamesSubscribe: [...names] });
  }

  get count(): number {
    return this.#stream.received.length;
  }

  get #resources() {
    return this.#stream.received.flatMap(({ resources }) => resources.map(({ resource }) => resource!));
  }

  get names(): string[] {
    return this.#stream.received.flatMap(({ resources }) => resources.map(({ name }) => name)).sort();
  }

  get removed(): string[] {
    return this.#stream.received.flatMap(({ removedResources }) => removedResources);
  }

  get listeners() {
    return this.#resources.map((any) => anyUnpack(any, ListenerSchema)!);
  }

  /** `priority zone` of each locality of the assignment that came last. */
  get zones(): string[] {
    const last = this.#resources.at(-1);
    const endpoints = last === undefined ? [] : anyUnpack(last, ClusterLoadAssignmentSchema)!.endpoints;
    return endpoints.map(({ priority, locality }) => `${priority} ${locality?.zone}`).sort();
  }
}

const hidden = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: bank, namespace: shop }
spec:
  hosts: [bank.example]
  exportTo: ['.']
  ports: [{ number: 80, name: http, protocol: HTTP }]
  resolution: STATIC
  endpoints: [{ address: 10.9.9.9 }]
`;

const zoned = `
apiVersion: v1
kind: Service
metadata: { name: zoned, namespace: default }
spec: { ports: [{ name: http, port: 80 }], trafficDistribution: PreferClose }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: zoned-1, namespace: default, labels: { kubernetes.io/service-name: zoned } }
addressType: IPv4
ports: [{ name: http, port: 8080 }]
endpoints:
  - { addresses: [10.0.0.1], zone: a, conditions: { ready: true } }
  - { addresses: [10.0.0.2], zone: b, conditions: { ready: true } }
`;

describe('Two clients of one server', () => {
  it('are told apart by their namespace', async () => {
    const { server } = await start({ 'bank.yaml': hidden, 'reviews.yaml': serviceYaml('reviews', 9001) });
    const listenersOf = (namespace: string) =>
      new TypeWatch(server, typeUrls.listener, { id: 'same', metadata: { NAMESPACE: namespace } });
    const [shop, other] = [listenersOf('shop'), listenersOf('other')];
    await expect.poll(() => other.names, wait).toEqual(['reviews.default.svc.cluster.local:80']);
    await expect.poll(() => shop.names, wait).toEqual(['bank.example:80', 'reviews.default.svc.cluster.local:80']);
  });

  it('are told apart by their locality', async () => {
    const { server } = await start({ 'zoned.yaml': zoned });
    const name = 'outbound|80||zoned.default.svc.cluster.local';
    const endpointsIn = (zone: string) =>
      new TypeWatch(server, typeUrls.endpoint, { id: 'same', locality: { zone } }, [name]);
    const [a, b] = [endpointsIn('a'), endpointsIn('b')];
    await expect
      .poll(() => [a.zones, b.zones], wait)
      .toEqual([
        ['0 a', '1 b'],
        ['0 b', '1 a'],
      ]);
  });

  it('are told apart by what program they are', async () => {
    const { server } = await start({ 'reviews.yaml': serviceYaml('reviews', 9001) });
    const name = 'reviews.default.svc.cluster.local:80';
    const listenersOf = (userAgentName: string, ...names: string[]) =>
      new TypeWatch(server, typeUrls.listener, { id: 'same', userAgentName }, names);
    const [envoy, grpc, sdk] = [listenersOf('envoy', '*'), listenersOf('gRPC Go', name), listenersOf('inmesh', '*')];
    await expect.poll(() => envoy.listeners.length, wait).toBeGreaterThan(0);
    expect(envoy.listeners.filter(({ apiListener }) => apiListener !== undefined)).toEqual([]);
    for (const client of [grpc, sdk]) {
      await expect.poll(() => client.names, wait).toEqual([name]);
      expect(client.listeners.map(({ apiListener }) => apiListener !== undefined)).toEqual([true]);
    }
  });

  it('that are gRPC servers are given the listeners that they name, and nobody else is', async () => {
    const { folder, server } = await start({ 'reviews.yaml': serviceYaml('reviews', 9001) });
    const name = 'grpc/server?xds.resource.listening_address=127.0.0.1:50051';
    const listenersOf = (userAgentName: string) =>
      new TypeWatch(server, typeUrls.listener, { id: 'same', userAgentName }, [name]);
    const [grpc, sdk, envoy] = [listenersOf('gRPC Go'), listenersOf('inmesh'), listenersOf('envoy')];
    await expect.poll(() => grpc.names, wait).toEqual([name]);
    for (const other of [sdk, envoy]) await expect.poll(() => other.removed, wait).toEqual([name]);
    expect(grpc.listeners[0]?.address?.address.value).toMatchObject({ address: '127.0.0.1' });
    folder.write('ratings.yaml', serviceYaml('ratings', 9002));
    await expect.poll(() => server.lines.filter((line) => line.startsWith('published ')).length, wait).toBe(2);
    expect([grpc.names, grpc.removed]).toEqual([[name], []]);
  });

  it('may be one, with many streams', async () => {
    const { folder, server } = await start({ 'reviews.yaml': serviceYaml('reviews', 9001) });
    const node = { id: 'sidecar~10.0.0.1~pod.default~default.svc.cluster.local' };
    const streams = Array.from({ length: 30 }, () => new TypeWatch(server, typeUrls.cluster, node));
    const counts = () => new Set(streams.map(({ names }) => names.length));
    await expect.poll(counts, wait).toEqual(new Set([1]));
    folder.write('ratings.yaml', serviceYaml('ratings', 9002));
    await expect.poll(counts, wait).toEqual(new Set([2]));
    const { clients } = JSON.parse((await server.get('debug', '/debug/status')).text) as { clients: object[] };
    expect(clients).toHaveLength(30);
  });
});
