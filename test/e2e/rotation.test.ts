import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import { createMesh, type Mesh } from 'inmesh';
import { request } from 'undici';
import { describe, expect, it } from 'vitest';
import { type OutputResponse, TestService, testServiceMethods } from '../../packages/sdk/test/grpc/interop-service.js';
import { unary } from '../../packages/sdk/test/grpc/support.js';
import { madeKeys } from '../support/certificates.js';
import { ConfigFolder, serviceYaml } from '../support/config-folder.js';
import { type Used, usedMemory } from '../support/heap.js';
import { IdentityFolder } from '../support/identity-folder.js';
import { keep } from '../support/keep.js';
import { MeshAuthority, type TestIdentity } from '../support/mesh-authority.js';
import { type PacedLoad, pacedLoad } from '../support/paced-load.js';
import { atScale, isFull } from '../support/scale.js';

/** FAULTS.md (c7): 1,000, of a leaf every 100 ms. */
const rotations = atScale({ slice: 40, full: 1000 });
/** Before those that count: V8 still learns and compiles, which settles only once all of the code has run a few hundred times. */
const warmUp = atScale({ slice: 0, full: 250 });
const perSecond = 200;
const perRotation = perSecond / 10;
const uri = (name: string) => `spiffe://cluster.local/ns/default/sa/${name}`;

const strictYaml = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: default }
spec: { mtls: { mode: STRICT } }
`;

const ruleYaml = (name: string) => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: ${name}, namespace: default }
spec:
  host: ${name}
  trafficPolicy:
    tls: { mode: ISTIO_MUTUAL, subjectAltNames: ["${uri('reviews')}"] }
`;

/** One end: a mesh, and the folder that its certificates come from. */
interface End {
  readonly mesh: Mesh;
  readonly folder: IdentityFolder;
  readonly name: string;
  readonly lines: string[];
}

async function endOf(name: string, yaml: Record<string, string>, identity: TestIdentity): Promise<End> {
  const config = keep(new ConfigFolder());
  for (const [file, text] of Object.entries(yaml)) config.write(file, text);
  const folder = keep(new IdentityFolder(identity));
  const lines: string[] = [];
  const log = (message: string, fields?: object) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const logger = { info: () => {}, warn: log, error: log };
  const mesh = keep(await createMesh({ config: config.path, identity: folder.path, logger }));
  await mesh.ready();
  return { mesh, folder, name, lines };
}

/** What has come to the server: from how many ports, and the certificate of the last client. */
class Seen {
  /** A flag for each, as a list would grow all the time. */
  readonly #ports = new Uint8Array(65_536);
  connections = 0;
  calls = 0;
  lastClient = '';

  noteCall(port: number): void {
    this.calls += 1;
    this.noteConnection(port);
  }

  noteConnection(port: number): void {
    if (this.#ports[port] === 0) this.connections += 1;
    this.#ports[port] = 1;
  }
}

async function serveHttp({ mesh }: End, seen: Seen): Promise<number> {
  const server = mesh.createServer((req, res) => {
    seen.noteCall(req.socket.remotePort!);
    seen.lastClient = (req.socket as TLSSocket).getPeerX509Certificate()?.fingerprint256 ?? '';
    req.resume().on('end', () => res.end(req.mesh?.peer?.spiffeId));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  keep({ close: () => server.close() });
  return (server.address() as AddressInfo).port;
}

const portOf = (call: { getPeer(): string }) => Number(call.getPeer().split(':').at(-1));

async function serveGrpc({ mesh }: End, seen: Seen): Promise<number> {
  const server = new grpc.Server({ interceptors: [mesh.grpc.serverInterceptor()] });
  server.addService(testServiceMethods, {
    UnaryCall: (call: grpc.ServerUnaryCall<unknown, object>, callback: grpc.sendUnaryData<object>) => {
      seen.noteCall(portOf(call));
      callback(null, { username: mesh.caller()?.peer?.spiffeId });
    },
    FullDuplexCall: (call: grpc.ServerDuplexStream<OutputResponse, OutputResponse>) => {
      seen.noteConnection(portOf(call));
      call.on('data', ({ payload }: OutputResponse) => call.write({ payload }));
      call.on('end', () => call.end());
    },
  } as grpc.UntypedServiceImplementation);
  const port = await mesh.grpc.bind(server, '127.0.0.1:0');
  keep({ close: () => server.forceShutdown() });
  return port;
}

/** The calls of a client: by fetch, by undici's dispatcher, over gRPC, and a word on a stream that never ends. */
function callsOf(mesh: Mesh) {
  const ratings = keep(mesh.grpc.client(TestService, 'ratings:80'));
  const stream = ratings.FullDuplexCall();
  const echoes: ((size: number) => void)[] = [];
  stream.on('data', ({ payload }: OutputResponse) => echoes.shift()?.(payload.body.length));
  const ended = new Promise<grpc.StatusObject>((resolve) => stream.on('status', resolve));
  stream.on('error', () => {});
  let said = 0;
  const check = (answer: unknown) => {
    if (answer !== uri('shop')) throw new Error(`answered ${String(answer)}`);
  };
  const senders = [
    async () => check(await (await mesh.fetch('http://reviews/')).text()),
    async () => {
      const post = { method: 'POST', body: 'x'.repeat(1000), dispatcher: mesh.dispatcher } as const;
      const { body } = await request('http://reviews/', post);
      check(await body.text());
    },
    async () => check((await unary(ratings)).response?.username),
    async () => {
      said += 1;
      const size = said % 1000;
      const echoed = new Promise<number>((resolve) => echoes.push(resolve));
      stream.write({ payload: { body: Buffer.alloc(size) } } as never);
      if ((await echoed) !== size) throw new Error('the stream has lost a message');
    },
  ];
  const end = async () => {
    stream.end();
    return (await ended).code;
  };
  return { senders, end };
}

/** Polls, at most for 10 s. */
async function until(isDone: () => boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!isDone()) {
    if (performance.now() > end) throw new Error('the new identity has not come within 10 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** How a root is replaced, and from which share of the rotations on each step is taken. */
const steps = [
  { from: 0, signs: 'old', trusts: ['old'] },
  { from: 0.45, signs: 'old', trusts: ['old', 'next'] },
  { from: 0.5, signs: 'next', trusts: ['old', 'next'] },
  { from: 0.55, signs: 'next', trusts: ['next'] },
] as const;

type Step = (typeof steps)[number];

class Rotation {
  last = '';
  readonly #authorities = { old: new MeshAuthority(), next: new MeshAuthority() };
  #validUntil = Date.now() + 24 * 3600_000;

  issue(name: string, { signs, trusts }: Step = steps[0]): { identity: TestIdentity; expiresAt: string } {
    // A second later each, so that the status tells one from the other.
    this.#validUntil += 1000;
    const leaf = this.#authorities[signs].issue(name, { notAfter: new Date(this.#validUntil) });
    const identity = { ...leaf, bundle: trusts.map((one) => this.#authorities[one].bundle).join('') };
    // Kept for tests that look through them at the end, here they would be growth.
    madeKeys.length = 0;
    this.last = leaf.chain;
    return { identity, expiresAt: new Date(Math.floor(this.#validUntil / 1000) * 1000).toISOString() };
  }

  async turn({ folder, mesh, name }: End, step: Step): Promise<void> {
    const { identity, expiresAt } = this.issue(name, step);
    folder.swap(identity);
    await until(() => mesh.status().identity?.expiresAt === expiresAt);
    const said = JSON.stringify([mesh.status(), mesh.explain('http://reviews/')]);
    if (said.includes(identity.key.split('\n')[1]!)) throw new Error(`the mesh of ${name} tells its key`);
  }
}

async function rotate(rotation: Rotation, ends: readonly End[], load: PacedLoad): Promise<Used> {
  let warm: Used | undefined;
  let before: Step = steps[0];
  for (let i = -warmUp; i < rotations; i += 1) {
    if (i === 0) warm = await usedMemory();
    const loaded = load.more(perRotation);
    const step = steps.findLast(({ from }) => Math.max(i, 0) / rotations >= from)!;
    // A handshake of the step before would meet the step after it.
    if (step !== before) await load.turnedOver();
    before = step;
    await Promise.all(ends.map((end) => rotation.turn(end, step)));
    await loaded;
  }
  return warm!;
}

describe(`${rotations} rotations under constant load, with a change of the root in the middle`, () => {
  it('lose no request, over HTTP and gRPC, cut no stream, and leave nothing behind', async () => {
    const rotation = new Rotation();
    const seen = new Seen();
    const reviews = await endOf('reviews', { 'strict.yaml': strictYaml }, rotation.issue('reviews').identity);
    const instance = (app: string, port: number) => serviceYaml(app, [{ app, version: 'v1', port }]);
    const yaml = {
      'reviews.yaml': instance('reviews', await serveHttp(reviews, seen)),
      'ratings.yaml': instance('ratings', await serveGrpc(reviews, seen)),
      'rules.yaml': [ruleYaml('reviews'), ruleYaml('ratings')].join('---'),
    };
    const shop = await endOf('shop', yaml, rotation.issue('shop').identity);
    const { senders, end } = callsOf(shop.mesh);
    const load = pacedLoad(perSecond, senders);
    const warm = await rotate(rotation, [reviews, shop], load);
    await load.stop();
    expect(load.failures).toEqual([]);
    // A client that gives up connecting, on a machine that is slow, loses nothing.
    const isGivenUp = (line: string) => line.includes('"reason":"handshake"') && line.includes('ECONNRESET');
    expect([...reviews.lines, ...shop.lines].filter((line) => !isGivenUp(line))).toEqual([]);
    expect(load.answered).toBeGreaterThanOrEqual(rotations * perRotation);
    expect(await end()).toBe(grpc.status.OK);
    expect(seen.calls).toBeGreaterThanOrEqual((load.answered * 3) / 4 - 4);
    // Every rotation has the next call make a connection of its own.
    expect(seen.connections).toBeGreaterThan(rotations);
    await senders[0]!();
    expect(seen.lastClient).toBe(new X509Certificate(rotation.last).fingerprint256);
    const after = await usedMemory();
    if (!isFull) return;
    const figures = { answered: load.answered, connections: seen.connections, warm, after };
    process.stdout.write(`${JSON.stringify(figures)}\n`);
    expect(after.heap + after.external).toBeLessThan((warm.heap + warm.external) * 1.05);
  }, 3_600_000);
});
