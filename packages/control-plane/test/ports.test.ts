import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { AggregatedDiscoveryService } from '@inmesh/xds/messages';
import { describe, expect, it } from 'vitest';
import { keep } from '../../../test/support/keep.js';
import { Client } from './support/client.js';
import { brokenYaml, ConfigFolder, serviceYaml } from './support/config-folder.js';
import { PeerStream } from './support/peer.js';
import { RefusingClient } from './support/refusing-client.js';
import { startServer } from './support/start.js';

const { streamAggregatedResources } = AggregatedDiscoveryService.method;
function folderWith(text: string): ConfigFolder {
  const folder = keep(new ConfigFolder());
  folder.write('reviews.yaml', text);
  return folder;
}

const wait = { timeout: 10_000 };

async function connected() {
  const folder = folderWith(serviceYaml('reviews', 9001));
  const server = keep(await startServer(folder.path));
  const client = keep(new Client(server.addresses.xds));
  await expect.poll(() => client.endpoints, wait).toEqual(['127.0.0.1:9001']);
  return { folder, server, client };
}

describe('The metrics port', () => {
  it('tells pushes, clients, refusals and issues to Prometheus', async () => {
    const { folder, server } = await connected();
    const metrics = async () => (await server.get('metrics', '/metrics')).text;
    const before = await metrics();
    expect(before).toMatch(/^inmesh_xds_clients 1$/m);
    expect(before).toMatch(/^inmesh_config_pushes_total\{type="endpoint"\} [1-9]/m);
    expect(before).toMatch(/^inmesh_xds_nacks_total\{type="cluster"\} 0$/m);
    expect(before).toMatch(/^inmesh_config_refused_total 0$/m);
    expect(before).toMatch(/^inmesh_config_last_accepted_timestamp_seconds \d{10}/m);
    expect(before).toMatch(/^process_cpu_seconds_total /m);
    folder.write('reviews.yaml', brokenYaml);
    await expect.poll(metrics, wait).toMatch(/^inmesh_config_refused_total 1$/m);
    expect(await metrics()).toMatch(/^inmesh_config_issues\{severity="error"\} [1-9]/m);
  });

  it('tells how many streams were sent away because too many came', async () => {
    const folder = folderWith(serviceYaml('reviews', 9001));
    const server = keep(await startServer(folder.path, { streamsPerSecond: 0.1 }));
    const metrics = async () => (await server.get('metrics', '/metrics')).text;
    expect(await metrics()).toMatch(/^inmesh_xds_streams_refused_total 0$/m);
    for (let i = 0; i < 4; i += 1) keep(new PeerStream(server.addresses.xds, streamAggregatedResources)).send({});
    await expect.poll(metrics, wait).toMatch(/^inmesh_xds_streams_refused_total 2$/m);
  });

  it('answers 404 to what it does not have', async () => {
    const server = keep(await startServer(folderWith(serviceYaml('reviews', 9001)).path));
    expect((await server.get('metrics', '/debug/status')).status).toBe(404);
  });
});

describe('The debug port', () => {
  it('lists its pages', async () => {
    const { server } = await connected();
    const { pages } = JSON.parse((await server.get('debug', '/')).text);
    expect(pages).toEqual(['/debug/config_dump', '/debug/status', '/debug/issues', '/debug/loads', '/debug/endpoints']);
    for (const page of pages) expect((await server.get('debug', page)).status).toBe(200);
  });

  it('dumps the resources as proto JSON, packed messages included', async () => {
    const { server } = await connected();
    const dump = JSON.parse((await server.get('debug', '/debug/config_dump')).text);
    expect(dump.versions.cluster).toMatch(/^[0-9a-f]{16}$/);
    expect(JSON.stringify(dump.endpoints)).toContain('"port_value":9001');
    expect(JSON.stringify(dump.listeners)).toContain('HttpConnectionManager');
    expect(JSON.stringify(dump)).not.toContain('cannot be shown');
  });

  it('says what each client has acknowledged', async () => {
    const { server } = await connected();
    const status = async () => JSON.parse((await server.get('debug', '/debug/status')).text);
    const { versions } = JSON.parse((await server.get('debug', '/debug/config_dump')).text);
    await expect
      .poll(async () => {
        const [client] = (await status()).clients;
        return client.types.find(({ typeUrl }: { typeUrl: string }) => typeUrl.endsWith('.Cluster'))?.ackedVersion;
      }, wait)
      .toBe(versions.cluster);
    expect(await status()).toMatchObject({ ready: true, refusedFiles: [], clients: [{ nodeId: 'test-client' }] });
  });

  it('lists the endpoints of each cluster', async () => {
    const { server } = await connected();
    const { clusters } = JSON.parse((await server.get('debug', '/debug/endpoints')).text);
    expect(clusters).toContainEqual({
      cluster: 'outbound|80||reviews.default.svc.cluster.local',
      endpoints: [expect.objectContaining({ address: '127.0.0.1:9001', health: 'healthy' })],
    });
  });

  it('can only be read', async () => {
    const { server } = await connected();
    expect((await server.get('debug', '/debug/status', { method: 'POST' })).status).toBe(405);
    expect(await server.get('debug', '/debug/status', { method: 'HEAD' })).toEqual({ status: 200, text: '' });
  });
});

describe('A client that refuses its configuration', () => {
  it('is counted, and its reason is shown', async () => {
    const folder = folderWith(serviceYaml('reviews', 9001));
    const server = keep(await startServer(folder.path));
    keep(new RefusingClient(server.addresses.xds, 'no such thing'));
    await expect
      .poll(async () => (await server.get('metrics', '/metrics')).text, wait)
      .toMatch(/^inmesh_xds_nacks_total\{type="cluster"\} 1$/m);
    const { clients } = JSON.parse((await server.get('debug', '/debug/status')).text);
    expect(clients).toMatchObject([{ nodeId: 'refusing', types: [{ nack: { message: 'no such thing' } }] }]);
    expect(server.lines).toContain('a client refused its configuration');
  });
});

describe('A port in use', () => {
  it.each([
    ['xdsPort', '--xds-port'],
    ['metricsPort', '--metrics-port'],
    ['debugPort', '--debug-port'],
  ])('as %s is named together with its flag %s', async (option, flag) => {
    const occupant = createServer().listen(0, '127.0.0.1');
    keep(occupant);
    await once(occupant, 'listening');
    const { port } = occupant.address() as AddressInfo;
    await expect(startServer(folderWith('').path, { [option]: port })).rejects.toThrow(
      `port ${port} of 127.0.0.1 is in use by another program: choose another with ${flag}`,
    );
  });
});

describe('Closing', () => {
  it('leaves no socket, watcher or timer behind, clients or not', async () => {
    const resources = () =>
      process
        .getActiveResourcesInfo()
        .filter((kind) => !/^(PipeWrap|TTYWrap|Immediate)$/.test(kind))
        .sort();
    const folder = folderWith(serviceYaml('reviews', 9001));
    await (await startServer(folder.path)).close();
    const before = resources();
    const server = await startServer(folder.path);
    const client = keep(new Client(server.addresses.xds));
    await expect.poll(() => client.endpoints, wait).toEqual(['127.0.0.1:9001']);
    await server.close();
    await server.close();
    client.close();
    await expect.poll(() => resources().length, wait).toBeLessThanOrEqual(before.length);
    await expect(fetch(`http://${server.addresses.debug}/`)).rejects.toThrow();
  });
});
