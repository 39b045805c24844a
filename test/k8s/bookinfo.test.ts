import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../../packages/cli/test/support/run.js';
import { Bookinfo, type Shares } from './support/bookinfo.js';
import { CanaryProcess } from './support/canary-process.js';
import { Prometheus } from './support/prometheus.js';
import { releaserToken, rightsIn } from './support/releaser.js';
import { waitFor } from './support/wait-for.js';

// Bookinfo in a cluster: how soon traffic follows a change, 99 times of 100, is measured in shift.test.ts.
let bookinfo: Bookinfo;
let prometheus: Prometheus;
/** Of somebody with the rights of k8s/components/canary. */
let kubeconfig: string;
let token: string;
const open: { close(): unknown }[] = [];

beforeAll(async () => {
  bookinfo = await Bookinfo.start();
  prometheus = await Prometheus.start(await bookinfo.scrapeTargets());
  token = await releaserToken(bookinfo.server, 'default');
  kubeconfig = bookinfo.server.kubeconfigOf(token);
}, 300_000);

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

afterAll(async () => {
  await prometheus?.close();
  await bookinfo?.close();
});

interface Routes {
  readonly metadata: { readonly annotations: Readonly<Record<string, string>> };
  readonly spec: { readonly http: readonly { readonly route: readonly { readonly weight?: number }[] }[] };
}

async function routes(): Promise<Routes> {
  return JSON.parse(await bookinfo.server.kubectl('get', 'virtualservice', 'reviews', '--output', 'json'));
}

const weightsOf = ({ spec }: Routes) => spec.http[1]!.route.map(({ weight }) => weight);

function startReaders() {
  const readers = bookinfo.readers();
  open.push({ close: () => readers.stop() });
  return readers;
}

function startCanary(...flags: string[]): CanaryProcess {
  const canary = new CanaryProcess('--kubeconfig', kubeconfig, ...flags);
  open.push({ close: () => canary.kill() });
  return canary;
}

/** Of so many answers that come from now on, the share of v2. */
async function shareOfV2({ answers }: ReturnType<typeof startReaders>, count: number): Promise<number> {
  const since = answers.length;
  await waitFor(`${count} answers`, () => answers.length >= since + count, { bound: 90_000 });
  const next = answers.slice(since, since + count);
  return next.filter((version) => version === 'v2').length / count;
}

describe('kubectl apply of the routes of reviews', () => {
  it('moves the traffic of the page, each time, and no request fails', async () => {
    await bookinfo.applyRoutes({ v1: 100, v2: 0 });
    const readers = startReaders();
    const all = (version: string) => () =>
      readers.answers.length > 60 && readers.answers.slice(-60).every((one) => one === version);
    await waitFor('v1 alone', all('v1'));
    await bookinfo.applyRoutes({ v1: 90, v2: 10 });
    await waitFor('the first of v2', () => readers.answers.at(-1) === 'v2');
    // Of 1000 answers with a share of 0.1, the standard deviation is 0.0095.
    const tenth = await shareOfV2(readers, 1000);
    expect(tenth).toBeGreaterThan(0.05);
    expect(tenth).toBeLessThan(0.15);
    for (const [shares, version] of [
      [{ v1: 0, v2: 100 }, 'v2'],
      [{ v1: 100, v2: 0 }, 'v1'],
      [{ v1: 0, v2: 100 }, 'v2'],
    ] as const) {
      await bookinfo.applyRoutes(shares);
      await waitFor(`${version} alone`, all(version));
      expect(await shareOfV2(readers, 100)).toBe(shares.v2 / 100);
    }
    expect((await bookinfo.read('jason')).version).toBe('v3');
    const wrong = bookinfo.applyRoutes({ v1: 50, v2: -50 });
    await expect(wrong).rejects.toThrow('denied the request: spec.http[1].route[1].weight: must not be negative');
    expect(await shareOfV2(readers, 50)).toBe(1);
    await readers.stop();
    expect(readers.failures).toEqual([]);
  });
});

/** The weights are those, and v2 is this pod, as jason sees it. */
async function release(shares: Shares, variables: Readonly<Record<string, string>> = {}): Promise<void> {
  await bookinfo.server.kubectl('delete', 'virtualservice', 'reviews');
  await bookinfo.applyRoutes(shares, 'v2');
  const { name } = await bookinfo.replace('reviews-v2', variables);
  const isThere = async () => (await bookinfo.read('jason').catch(() => undefined))?.podname === name;
  await waitFor(name, isThere, { log: bookinfo.configServer.log });
}

const steps = ['--steps', '10,50,100', '--min-requests', '50', '--max-wait', '90s'];
const sources = [
  {
    source: 'the load reports of the SDK',
    flags: () => ['--server', bookinfo.configServer.addresses.debug!, '--interval', '500ms'],
  },
  {
    source: 'a Prometheus',
    flags: () => ['--prometheus', prometheus.url, '--interval', '2s', '--settle', '1s'],
  },
];

describe.each(sources)('inmesh canary reviews --to v2, by $source', ({ source, flags }) => {
  it('gives all traffic to a version that is well, and no request fails', async () => {
    await release({ v1: 100, v2: 0 });
    const before = await routes();
    const readers = startReaders();
    const canary = startCanary('--to', 'v2', ...steps, ...flags());
    expect(await canary.exit, canary.said).toBe(0);
    expect(canary.events.map(({ event }) => event)).toEqual([
      ...['plan', 'started', 'step', 'window', 'step', 'window', 'step', 'window', 'summary'],
    ]);
    expect(canary.all('step').map(({ step, percent, weights }) => [step, percent, weights])).toEqual([
      [1, 10, [{ rule: 'spec.http[1] (everyone)', weights: { v1: 90, v2: 10 } }]],
      [2, 50, [{ rule: 'spec.http[1] (everyone)', weights: { v1: 50, v2: 50 } }]],
      [3, 100, [{ rule: 'spec.http[1] (everyone)', weights: { v1: 0, v2: 100 } }]],
    ]);
    for (const { verdict, canary: counts } of canary.all('window')) {
      expect({ verdict, failed: counts.failed, successRate: counts.successRate }).toEqual({
        ...{ verdict: 'passed', failed: 0, successRate: 1 },
      });
      expect(counts.requests).toBeGreaterThanOrEqual(50);
      expect(counts.p99Ms).toBeGreaterThan(0);
    }
    const [plan] = canary.all('plan');
    expect(plan!.metrics).toContain(source.replace(' of the SDK', '').replace(/^a /, 'the '));
    expect(canary.all('summary')).toEqual([
      {
        ...{ time: expect.stringMatching(/^\d{4}-.*Z$/), event: 'summary', outcome: 'promoted', exitCode: 0, to: 'v2' },
        target: expect.stringContaining('VirtualService default/reviews'),
        ...{ percent: 100, weights: [{ rule: 'spec.http[1] (everyone)', weights: { v1: 0, v2: 100 } }] },
        ...{ weightsRead: true, seconds: expect.any(Number) },
      },
    ]);
    expect(await shareOfV2(readers, 100)).toBe(1);
    await readers.stop();
    expect(readers.failures).toEqual([]);
    const after = await routes();
    expect(weightsOf(after)).toEqual([0, 100]);
    expect(after.metadata.annotations).toEqual(before.metadata.annotations);
  });

  it('takes it back from one that fails a tenth of its requests, within two windows', async () => {
    await release({ v1: 100, v2: 0 }, { FAIL_EVERY: '10' });
    const before = await routes();
    const readers = startReaders();
    const canary = startCanary('--to', 'v2', ...steps, ...flags());
    expect(await canary.exit, canary.said).toBe(1);
    expect(canary.all('summary')).toMatchObject([{ outcome: 'rolled_back', exitCode: 1, percent: 0 }]);
    const windows = canary.all('window');
    expect(windows.length).toBeLessThanOrEqual(2);
    expect(windows.at(-1)).toMatchObject({ percent: 10, verdict: expect.stringMatching(/^(failed|suspect)$/) });
    const after = await routes();
    expect(after.spec).toEqual(before.spec);
    expect(after.metadata.annotations).toEqual(before.metadata.annotations);
    const failures = readers.failures.length;
    expect(failures).toBeGreaterThan(0);
    await waitFor('v1 alone', async () => (await shareOfV2(readers, 50)) === 0);
    const [failed, answered] = [readers.failures.length, readers.answers.length];
    await waitFor('more answers', () => readers.answers.length > answered + 100);
    expect(readers.failures.length).toBe(failed);
  });
});

describe('Who has the rights of k8s/components/canary', () => {
  it('has no others, and may not touch the routes of other namespaces', async () => {
    const { api } = bookinfo.server;
    expect(await rightsIn(api, 'default', token)).toEqual([
      'get,patch httproutes,grpcroutes.gateway.networking.k8s.io',
      'get,patch virtualservices.networking.istio.io',
      'list destinationrules.networking.istio.io',
    ]);
    expect(await rightsIn(api, 'inmesh-system', token)).toEqual(['get,create pods/portforward.', 'get,list pods.']);
    expect(await rightsIn(api, 'kube-system', token)).toEqual([]);
    const elsewhere = await run('shift', 'reviews', '--to', 'v2', '-n', 'inmesh-system', '--kubeconfig', kubeconfig);
    expect(elsewhere).toMatchObject({ code: 3, err: expect.stringContaining('cannot get resource "virtualservices"') });
  });

  it('may shift', async () => {
    await bookinfo.applyRoutes({ v1: 100, v2: 0 });
    const shifted = await run('shift', 'reviews', '--to', 'v2=30,v1=70', '--kubeconfig', kubeconfig);
    expect(shifted, shifted.err).toMatchObject({ code: 0 });
    expect(weightsOf(await routes())).toEqual([70, 30]);
  });
});

describe('inmesh canary of Bookinfo', () => {
  const flags = () => [...steps, ...sources[0]!.flags()];

  beforeEach(() => release({ v1: 100, v2: 0 }));

  it('goes on where it was after SIGKILL half-way, and no request fails', async () => {
    const readers = startReaders();
    const first = startCanary('--to', 'v2', ...flags(), '--steps', '10,25,50,75,100');
    await first.reaches(25);
    await first.kill();
    const left = await routes();
    // It may have come further before the signal.
    const percent = weightsOf(left)[1]!;
    expect([25, 50, 75]).toContain(percent);
    expect(left.metadata.annotations).toHaveProperty(['inmesh.dev/canary']);
    const second = startCanary('--resume', ...sources[0]!.flags());
    expect(await second.exit, second.said).toBe(0);
    expect(second.all('resumed')).toMatchObject([{ to: 'v2', percent }]);
    const missing = [10, 25, 50, 75, 100].filter((one) => one >= percent);
    expect(second.all('step').map((one) => one.percent)).toEqual(missing);
    expect(second.all('step').at(-1)).toMatchObject({ step: 5 });
    expect(second.all('summary')).toMatchObject([{ outcome: 'promoted', exitCode: 0, percent: 100 }]);
    await readers.stop();
    expect(readers.failures).toEqual([]);
    expect(weightsOf(await routes())).toEqual([0, 100]);
    expect((await routes()).metadata.annotations).not.toHaveProperty(['inmesh.dev/canary']);
  });

  it('leaves the weights to whoever else has written them meanwhile, and says who', async () => {
    const readers = startReaders();
    const canary = startCanary('--to', 'v2', ...flags(), '--min-requests', '1000000');
    await canary.reaches(10);
    const theirs = bookinfo.writeRoutes({ v1: 70, v2: 30 }, 'v2');
    const apply = ['apply', '--server-side', '--force-conflicts', '--field-manager=argocd-controller'];
    await bookinfo.server.kubectl(...apply, '--filename', theirs);
    expect(await canary.exit, canary.said).toBe(3);
    const [summary] = canary.all('summary');
    expect(summary).toMatchObject({ outcome: 'conflict', exitCode: 3, percent: 30 });
    expect(summary!.reason).toMatch(
      /argocd-controller \(Apply, .*\) has changed the weights: they are v1=70 v2=30, and not v1=90 v2=10/,
    );
    expect(weightsOf(await routes())).toEqual([70, 30]);

    const resumed = startCanary('--resume', ...sources[0]!.flags());
    expect(await resumed.exit, resumed.said).toBe(3);
    const back = startCanary('--rollback');
    expect(await back.exit, back.said).toBe(3);
    for (const refused of [resumed, back]) {
      expect(refused.all('summary')).toMatchObject([{ outcome: 'conflict', to: 'v2', percent: 30 }]);
    }
    expect(weightsOf(await routes())).toEqual([70, 30]);
    await readers.stop();
    expect(readers.failures).toEqual([]);

    await bookinfo.server.kubectl('annotate', 'virtualservice', 'reviews', 'inmesh.dev/canary-');
    const anew = startCanary('--to', 'v2', ...flags());
    expect(await anew.exit, anew.said).toBe(3);
    expect(anew.all('summary')[0]!.reason).toContain('belong to argocd-controller');
    expect(weightsOf(await routes())).toEqual([70, 30]);
  });
});
