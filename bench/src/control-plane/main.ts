import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Child } from './child.js';
import { resourcesOf, writeEndpoints, writeMesh, writeRules } from './mesh-files.js';
import {
  type ClientsOrder,
  type ClientsWord,
  nowMs,
  type ServerOrder,
  type ServerWord,
  type Usage,
} from './messages.js';
import { type Round, renderScale, type ScaleResults, writeScale } from './report.js';

const { values } = parseArgs({
  options: {
    services: { type: 'string', default: '1000' },
    endpoints: { type: 'string', default: '10' },
    clients: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '10' },
    quick: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
  },
});

/** `--quick` shows that the harness works; its figures are not to be quoted. */
const services = values.quick ? 50 : Number(values.services);
const clientCount = values.quick ? 20 : Number(values.clients);
const rounds = values.quick ? 2 : Number(values.rounds);
const endpointsOfService = Number(values.endpoints);

const log = (line: string) => process.stderr.write(`${line}\n`);

type Server = Child<ServerOrder, ServerWord>;
type Clients = Child<ClientsOrder, ClientsWord>;

async function usageOf(server: Server, order: ServerOrder = 'kept'): Promise<Usage> {
  server.order(order);
  return server.word('usage');
}

interface Change {
  readonly name: string;
  readonly of: 'endpoint' | 'route';
  /** Of the first service, which all clients call. */
  readonly resource: string;
  /** Makes another content for each round. */
  save(round: number): void;
}

function changesIn(folder: string): Change[] {
  const { endpoint, route } = resourcesOf(0);
  return [
    {
      ...{ name: 'one endpoint', of: 'endpoint', resource: endpoint[0]! },
      save: (round) => writeEndpoints(folder, 0, endpointsOfService, round),
    },
    { name: 'a weight', of: 'route', resource: route[0]!, save: (round) => writeRules(folder, 0, 50 - round) },
  ];
}

async function measure(change: Change, round: number, server: Server, clients: Clients): Promise<Round> {
  clients.order({ kind: 'expect', name: change.resource, of: change.of });
  await clients.word('expecting');
  const before = await usageOf(server, 'usage');
  const savedAt = nowMs();
  change.save(round);
  const { at } = await clients.word('told');
  const after = await usageOf(server, 'usage');
  return { change: change.name, delays: at.map((time) => time - savedAt), cpuMs: after.cpuMs - before.cpuMs };
}

async function run(folder: string, server: Server, clients: Clients): Promise<ScaleResults> {
  const { address } = await server.word('ready');
  const started = await usageOf(server);
  log('connecting the clients');
  clients.order({ kind: 'connect', address, count: clientCount, services });
  await clients.word('connected');
  const connected = await usageOf(server);
  const measured: Round[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    log(`round ${round} of ${rounds}`);
    for (const change of changesIn(folder)) measured.push(await measure(change, round, server, clients));
  }
  const plan = { services, endpoints: services * endpointsOfService, clients: clientCount };
  return { plan, started, connected, ended: await usageOf(server), rounds: measured };
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'inmesh-bench-'));
  writeMesh(folder, { services, endpointsOfService });
  log('starting the server');
  const server: Server = new Child('server-process.js', [folder], ['--expose-gc']);
  const clients: Clients = new Child('clients-process.js');
  try {
    const results = await run(folder, server, clients);
    process.stdout.write(`${renderScale(results)}\n`);
    if (values.save) writeScale(results);
  } finally {
    for (const child of [server, clients]) child.close();
    rmSync(folder, { recursive: true });
  }
}

await main();
