import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Child } from './child.js';
import { ClusterSource } from './cluster-source.js';
import { FolderSource } from './folder-source.js';
import { resourcesOf } from './mesh-objects.js';
import type { ChangeName, MeshSource } from './mesh-source.js';
import type { ClientsOrder, ClientsWord, ServerOrder, ServerWord, Usage } from './messages.js';
import { type Round, renderScale, type ScaleResults, writeScale } from './report.js';

const { values } = parseArgs({
  options: {
    source: { type: 'string', default: 'folder' },
    replicas: { type: 'string', default: '1' },
    services: { type: 'string', default: '1000' },
    endpoints: { type: 'string', default: '10' },
    clients: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '10' },
    note: { type: 'string' },
    quick: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
  },
});

/** `--quick` shows that the harness works; its figures are not to be quoted. */
const services = values.quick ? 50 : Number(values.services);
const clientCount = values.quick ? 20 : Number(values.clients);
const rounds = values.quick ? 2 : Number(values.rounds);
const endpointsOfService = Number(values.endpoints);
const replicas = Number(values.replicas);

const log = (line: string) => process.stderr.write(`${line}\n`);

type Server = Child<ServerOrder, ServerWord>;
type Clients = Child<ClientsOrder, ClientsWord>;

const changes: Readonly<Record<ChangeName, { readonly of: 'endpoint' | 'route'; readonly name: string }>> = {
  'one endpoint': { of: 'endpoint', name: resourcesOf(0).endpoint[0]! },
  'a weight': { of: 'route', name: resourcesOf(0).route[0]! },
};

function usageOf(servers: readonly Server[], order: ServerOrder = 'kept'): Promise<Usage[]> {
  return Promise.all(
    servers.map(async (server) => {
      server.order(order);
      return await server.word('usage');
    }),
  );
}

async function measure(
  change: ChangeName,
  round: number,
  source: MeshSource,
  servers: readonly Server[],
  clients: Clients,
): Promise<Round> {
  clients.order({ kind: 'expect', ...changes[change] });
  await clients.word('expecting');
  const before = await usageOf(servers, 'usage');
  const told = clients.word('told');
  const from = await source.change(change, round);
  const { at } = await told;
  const after = await usageOf(servers, 'usage');
  const cpuMs = after.map((usage, index) => usage.cpuMs - before[index]!.cpuMs);
  return { change, delays: at.map((time) => time - from), cpuMs };
}

/** Until what a server does for itself after its start has ended: it writes the status of each object, say. */
async function settle(servers: readonly Server[]): Promise<void> {
  for (let tries = 0; tries < 60; tries += 1) {
    const before = await usageOf(servers, 'usage');
    await wait(2000);
    const after = await usageOf(servers, 'usage');
    if (after.every(({ cpuMs }, index) => cpuMs - before[index]!.cpuMs < 100)) return;
  }
}

async function run(source: MeshSource, servers: readonly Server[], clients: Clients): Promise<ScaleResults> {
  const ready = await Promise.all(servers.map((server) => server.word('ready')));
  await settle(servers);
  const started = await usageOf(servers);
  log('connecting the clients');
  const addresses = ready.map(({ address }) => address);
  clients.order({ kind: 'connect', addresses, count: clientCount, services });
  await clients.word('connected');
  const connected = await usageOf(servers);
  const measured: Round[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    log(`round ${round} of ${rounds}`);
    for (const change of Object.keys(changes) as ChangeName[]) {
      measured.push(await measure(change, round, source, servers, clients));
    }
  }
  const { name, begin, remark } = source;
  const plan = { services, endpoints: services * endpointsOfService, clients: clientCount, replicas, source: name };
  const ended = await usageOf(servers);
  const objects = await source.measureObjects();
  return { plan, begin, remarks: [remark, values.note ?? ''], started, connected, ended, rounds: measured, objects };
}

async function openSource(): Promise<MeshSource> {
  const size = { services, endpointsOfService };
  if (values.source === 'kubernetes') return await ClusterSource.start(size, log);
  if (values.source === 'folder') return new FolderSource(size);
  throw new Error(`--source is "${values.source}": it must be folder or kubernetes`);
}

async function main(): Promise<void> {
  const source = await openSource();
  const children: Child<never, never>[] = [];
  const { name, place } = source;
  try {
    log('starting the server');
    const servers = Array.from({ length: replicas }, (): Server => {
      return new Child('server-process.js', [name, place], ['--expose-gc']);
    });
    const clients: Clients = new Child('clients-process.js');
    children.push(...([...servers, clients] as unknown as Child<never, never>[]));
    const results = await run(source, servers, clients);
    process.stdout.write(`${renderScale(results)}\n`);
    if (values.save) writeScale(results);
  } finally {
    for (const child of children) child.close();
    await source.close();
  }
}

await main();
