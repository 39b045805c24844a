import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { serveFolder, Traffic, Versions } from '../../packages/cli/test/support/canary-mesh.js';
import { ConfigFolder } from '../../packages/cli/test/support/config-folder.js';
import { Running, run } from '../../packages/cli/test/support/run.js';
import { findCluster } from '../../packages/control-plane/src/index.js';
import { ApiServer } from './support/api-server.js';
import { makeNamespace } from './support/cluster-objects.js';
import { installCrds } from './support/crds.js';
import { listPath, pathOf } from './support/resource-path.js';
import { waitFor } from './support/wait-for.js';

const annotation = 'inmesh.dev/canary';
const metadata = { name: 'reviews', namespace: 'default' };
const virtualService = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { ...metadata, labels: { team: 'books' }, annotations: { note: 'ours' } },
  spec: {
    hosts: ['reviews'],
    http: [
      {
        name: 'testers',
        match: [{ headers: { 'end-user': { exact: 'jason' } } }],
        route: [{ destination: { host: 'reviews', subset: 'v2' } }],
      },
      {
        name: 'all',
        timeout: '5s',
        route: [
          { destination: { host: 'reviews', subset: 'v1' }, weight: 100 },
          { destination: { host: 'reviews', subset: 'v2' }, weight: 0 },
        ],
      },
    ],
  },
};
const httpRoute = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata,
  spec: {
    parentRefs: [{ group: '', kind: 'Service', name: 'reviews' }],
    rules: [
      {
        backendRefs: [
          { name: 'reviews-v1', port: 80 },
          { name: 'reviews-v2', port: 80, weight: 0 },
        ],
      },
    ],
  },
};

interface Routed {
  readonly metadata: {
    readonly annotations?: Readonly<Record<string, string>>;
    readonly managedFields: readonly { manager: string; operation: string; fieldsV1: Record<string, object> }[];
  };
  readonly spec: typeof virtualService.spec & typeof httpRoute.spec;
}

let server: ApiServer;
const open: { close(): unknown }[] = [];

beforeAll(async () => {
  server = await ApiServer.start();
  await makeNamespace(server.api, 'default');
  await installCrds(server, 'istio');
  await installCrds(server, 'gateway-api');
});

beforeEach(() => create(virtualService));

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
  await server.api.remove(virtualService);
  await server.api.remove(httpRoute);
});

afterAll(() => server?.close());

function keep<T extends { close(): unknown }>(one: T): T {
  open.push(one);
  return one;
}

/** As `kubectl apply` does, which owns nothing for good. */
async function create(object: typeof virtualService | typeof httpRoute): Promise<void> {
  const path = `${listPath(object.apiVersion, object.kind, 'default')}?fieldManager=kubectl-client-side-apply`;
  const { status, body } = await server.api.request('POST', path, object);
  expect(status, JSON.stringify(body)).toBe(201);
}

async function read(object: typeof virtualService | typeof httpRoute = virtualService): Promise<Routed> {
  const { body } = await server.api.request('GET', pathOf(object));
  return body as unknown as Routed;
}

const weightsOf = ({ spec }: Routed) => spec.http[1]!.route.map((one) => ('weight' in one ? one.weight : undefined));
/** The object as it was, to the letter, but for its weights. */
function specWith(before: Routed, ...weights: number[]): string {
  const spec = structuredClone(before.spec);
  for (const [at, one] of spec.http[1]!.route.entries()) Object.assign(one, { weight: weights[at] });
  return JSON.stringify(spec);
}

/** Services and endpoints are files, for Kubernetes takes no endpoints on loopback; the route is the cluster's. */
async function startMesh() {
  const versions = keep(await Versions.start());
  const folder = keep(new ConfigFolder({ 'reviews.yaml': versions.yaml }));
  const cluster = findCluster({ kubeconfig: server.kubeconfig });
  const config = keep(await serveFolder(folder.path, { kubernetes: { cluster, namespaces: ['default'] } }));
  keep(await Traffic.start(config.addresses.xds));
  return { versions, debug: config.addresses.debug };
}

const quick = ['--interval', '400ms', '--min-requests', '30', '--max-wait', '30s'];

async function canary(...flags: string[]) {
  const { code, out } = await run('canary', 'reviews', '--kubeconfig', server.kubeconfig, '--output', 'json', ...flags);
  const events = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  return { code, events, summary: events.at(-1) };
}

describe('inmesh canary, at a real API server', () => {
  it('gives all traffic to a version that is well, and writes nothing but the weights', async () => {
    const before = await read();
    const { debug, versions } = await startMesh();
    const { code, summary, events } = await canary('--to', 'v2', '--steps', '20,100', '--server', debug, ...quick);
    expect({ code, summary }).toMatchObject({ code: 0, summary: { outcome: 'promoted', percent: 100 } });
    expect(events.filter(({ event }) => event === 'step').map(({ percent }) => percent)).toEqual([20, 100]);
    const after = await read();
    expect(JSON.stringify(after.spec)).toBe(specWith(before, 0, 100));
    expect(after.metadata).toMatchObject({ labels: { team: 'books' }, annotations: { note: 'ours' } });
    expect(after.metadata.annotations).not.toHaveProperty([annotation]);
    const ours = after.metadata.managedFields.filter(({ manager }) => manager === 'inmesh-canary');
    expect(ours.map(({ operation, fieldsV1 }) => [operation, fieldsV1])).toEqual([
      ['Update', { 'f:spec': { 'f:http': {} } }],
    ]);
    expect(versions.answered.v2).toBeGreaterThanOrEqual(60);
  });

  it('takes the traffic back from one that fails a tenth, within two windows', async () => {
    const before = await read();
    const { debug, versions } = await startMesh();
    versions.failEvery = 10;
    const { code, summary, events } = await canary('--to', 'v2', '--steps', '50,100', '--server', debug, ...quick);
    expect({ code, summary }).toMatchObject({ code: 1, summary: { outcome: 'rolled_back', percent: 0 } });
    expect(events.filter(({ event }) => event === 'window').length).toBeLessThanOrEqual(2);
    const after = await read();
    expect(JSON.stringify(after.spec)).toBe(JSON.stringify(before.spec));
    expect(after.metadata.annotations).toEqual({ note: 'ours' });
  });

  it('goes on after a crash, and lets no second one in meanwhile', async () => {
    const { debug } = await startMesh();
    const flags = ['--kubeconfig', server.kubeconfig, '--server', debug, '--steps', '30,100'];
    const first = keep(new Running(['canary', 'reviews', '--to', 'v2', ...flags, '--interval', '1h']));
    await waitFor('the first step', async () => weightsOf(await read())[1] === 30);
    const second = await canary('--to', 'v2', '--server', debug);
    expect(second).toMatchObject({ code: 3, summary: { outcome: 'conflict' } });
    expect(second.summary.reason).toContain('another canary');
    await first.close();
    expect((await read()).metadata.annotations?.[annotation]).toContain('"original":[[100,0]]');
    const { code, events } = await canary('--resume', '--server', debug, ...quick);
    expect(events.find(({ event }) => event === 'resumed')).toMatchObject({ to: 'v2', percent: 30 });
    expect(code).toBe(0);
    expect(weightsOf(await read())).toEqual([0, 100]);
  });

  it('stays where it is at SIGINT, and goes back when it is told so', async () => {
    const before = await read();
    const { debug } = await startMesh();
    const flags = ['--kubeconfig', server.kubeconfig, '--server', debug, '--output', 'json', '--interval', '1h'];
    const first = keep(new Running(['canary', 'reviews', '--to', 'v2', ...flags]));
    await waitFor('the first step', () => first.out.includes('"event":"step"'));
    first.process.kill('SIGINT');
    expect(await first.exit).toBe(130);
    expect(JSON.parse(first.out.trimEnd().split('\n').at(-1)!)).toMatchObject({ outcome: 'interrupted', percent: 5 });
    expect(weightsOf(await read())).toEqual([95, 5]);
    expect(await canary('--rollback')).toMatchObject({ code: 0, summary: { outcome: 'rolled_back' } });
    expect(JSON.stringify((await read()).spec)).toBe(JSON.stringify(before.spec));
  });

  it('stops when somebody else changes the weights, and says who', async () => {
    const { debug } = await startMesh();
    const running = canary('--to', 'v2', '--server', debug, '--interval', '1s', '--min-requests', '100000');
    await waitFor('the first step', async () => weightsOf(await read())[1] === 5);
    const path = `${pathOf(virtualService)}?fieldManager=argocd-controller&force=true`;
    const options = { contentType: 'application/apply-patch+yaml' };
    await server.api.request(
      'PATCH',
      path,
      { ...virtualService, spec: JSON.parse(specWith(await read(), 90, 10)) },
      options,
    );
    const { code, summary } = await running;
    expect({ code, summary }).toMatchObject({ code: 3, summary: { outcome: 'conflict', percent: 10 } });
    expect(summary.reason).toMatch(
      /argocd-controller \(Apply, .*\) has changed the weights: they are v1=90 v2=10, and not v1=95 v2=5/,
    );
    expect(weightsOf(await read())).toEqual([90, 10]);
  });

  it('does not begin where a tool of GitOps owns the weights', async () => {
    await server.api.remove(virtualService);
    await server.api.apply(virtualService);
    const { debug } = await startMesh();
    const { code, summary } = await canary('--to', 'v2', '--server', debug);
    expect({ code, outcome: summary.outcome }).toEqual({ code: 3, outcome: 'conflict' });
    expect(summary.reason).toMatch(/belong to test \(Apply, .*\), which will write its own again/);
    expect(weightsOf(await read())).toEqual([100, 0]);
  });

  it('changes nothing in a dry run, and says what it would do', async () => {
    const before = await read();
    const { code, events } = await canary('--to', 'v2', '--dry-run');
    expect(code).toBe(0);
    const message = expect.stringContaining('no DestinationRule of the namespace has a subset v2 of reviews.default');
    expect(events.shift()).toMatchObject({ event: 'warning', message });
    expect(events[0]).toMatchObject({ event: 'plan', to: 'v2', target: expect.stringContaining('default/reviews') });
    expect(events[0].steps[1]).toEqual({
      percent: 10,
      weights: [{ rule: 'spec.http[1] (all)', weights: { v1: 90, v2: 10 } }],
    });
    expect(await read()).toEqual(before);
  });
});

describe('inmesh shift, at a real API server', () => {
  const shift = (...argv: string[]) => run('shift', ...argv, '--kubeconfig', server.kubeconfig);

  it('sets the weights of a VirtualService', async () => {
    const before = await read();
    expect(await shift('reviews', '--to', 'v2=30,v1=70')).toMatchObject({
      code: 0,
      out: expect.stringContaining('to v1=70 v2=30'),
    });
    expect(JSON.stringify((await read()).spec)).toBe(specWith(before, 70, 30));
    expect(await shift('vs/reviews', '--to', 'v2')).toMatchObject({ code: 0 });
    expect(weightsOf(await read())).toEqual([0, 100]);
  });

  it('sets those of an HTTPRoute, where there are both when it is told which', async () => {
    await create(httpRoute);
    const { code, err } = await shift('reviews', '--to', 'v2');
    expect({ code, err }).toEqual({
      code: 3,
      err: expect.stringContaining('say virtualservice/reviews or httproute/reviews'),
    });
    expect(await shift('httproute/reviews', '--to', 'v2=5,v1=95')).toMatchObject({ code: 0 });
    const backends = (await read(httpRoute)).spec.rules[0]!.backendRefs;
    expect(backends.map(({ name, weight }) => [name, weight])).toEqual([
      ['reviews-v1', 95],
      ['reviews-v2', 5],
    ]);
  });

  it('says what is missing', async () => {
    expect((await shift('ratings', '--to', 'v2')).err).toContain(
      'there is no VirtualService, HTTPRoute or GRPCRoute default/ratings',
    );
    expect((await shift('reviews', '--to', 'v3')).err).toContain(
      '{ destination: { host: reviews, subset: v3 }, weight: 0 }',
    );
  });
});
