import { expect, it } from 'vitest';
import { ConfigFolder } from '../support/config-folder.js';
import { closeAfterEach } from '../support/seeds.js';
import { deliberate, documentedDifferences } from './support/deliberate-differences.js';
import { joinEnvoy } from './support/envoy-mesh.js';
import { fixedPort } from './support/fixed-port.js';
import type { Policed } from './support/loose-readings.js';
import { policedListener } from './support/policed-listener.js';
import { ownAddress, servePolicedWorkload } from './support/policed-workload.js';
import { type RawAnswer, RawClient } from './support/raw-client.js';
import { bytesOf, generateRequest, generateSource } from './support/rbac-requests.js';
import {
  clientIdentities,
  generateWorkload,
  ownIdentity,
  type RbacWorkload,
  signTokens,
} from './support/rbac-workload.js';

const keep = closeAfterEach();

/** A failure names the seed of its set: `INMESH_SEED=n INMESH_SETS=1` replays that set alone. */
const { INMESH_SEED: seed, INMESH_SETS: count } = process.env;
const sets = Array.from({ length: Number(count ?? 100) }, (_, index) => Number(seed ?? 2026) + index);
const requestsOfSet = 50;
const requestsOfSource = 5;

const tokens = await signTokens();

interface Pair extends Policed {
  readonly envoy: RawAnswer;
  readonly own: RawAnswer;
}

/** Sends the same bytes to both. */
async function sendToBoth({ set, port, draws }: RbacWorkload, client: RawClient): Promise<Pair[]> {
  const pairs: Pair[] = [];
  let source = generateSource(draws);
  for (let i = 0; i < requestsOfSet; i += 1) {
    if (i % requestsOfSource === 0) source = generateSource(draws);
    const request = generateRequest(draws);
    const bytes = bytesOf(request, request.token && tokens.get(request.token));
    const peer = { ...source, port, identity: clientIdentities.get(source.identity)! };
    const hasBody = request.method !== 'HEAD';
    const [envoy, own] = await Promise.all([
      client.send({ ...peer, host: '127.0.0.1' }, bytes, hasBody),
      client.send({ ...peer, host: ownAddress }, bytes, hasBody),
    ]);
    pairs.push({ set, request, source, envoy, own });
  }
  return pairs;
}

async function distinctPorts(wanted: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < wanted) ports.add(await fixedPort());
  return [...ports];
}

const isLetIn = ({ status }: RawAnswer) => status === 200;

function titleOf(pair: Pair): string | undefined {
  return deliberate.find(({ status, applies }) => status === pair.own.status && applies(pair))?.title;
}

function textOf({ set, request, source, envoy, own }: Pair): string {
  const statuses = `Envoy ${envoy.status}, own ${own.status} ${own.body.slice(0, 60)}`;
  return `seed ${set.seed}: ${statuses} ${JSON.stringify({ ...request, ...source, ...set })}`;
}

it('an Envoy and we agree on 5,000 requests, but for what the documentation lists, where we refuse', async () => {
  const ports = await distinctPorts(sets.length);
  const workloads = sets.map((set, index) => generateWorkload(set, ports[index]!));
  const listeners = workloads.map(({ files, port }) => policedListener(files, port, ownIdentity));
  await joinEnvoy(keep, keep(new ConfigFolder()), 'GRPC', { listeners });
  const client = keep(new RawClient());
  const pairs: Pair[] = [];
  for (const workload of workloads) {
    const { files, port } = workload;
    const server = await servePolicedWorkload(files, port, ownIdentity, (_req, res) => void res.end('hello'));
    pairs.push(...(await sendToBoth(workload, client)));
    await server.close();
  }
  expect(pairs.filter(({ envoy, own }) => isLetIn(own) && !isLetIn(envoy)).map(textOf)).toEqual([]);
  const stricter = pairs.filter(({ envoy, own }) => isLetIn(envoy) && !isLetIn(own));
  expect(stricter.filter((pair) => titleOf(pair) === undefined).map(textOf)).toEqual([]);
  if (seed !== undefined) return;
  expect(pairs.filter(({ own }) => isLetIn(own)).length).toBeGreaterThan(1000);
  // Each row of the table is seen, in its order: one that nothing shows any more is to go.
  const seen = new Set(stricter.map(titleOf));
  expect(deliberate.map(({ title }) => title).filter((title) => seen.has(title))).toEqual(documentedDifferences());
});
