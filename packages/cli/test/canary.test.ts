import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { keep } from '../../../test/support/keep.js';
import { route, serveFolder } from './support/canary-mesh.js';
import { ConfigFolder, reviewsYaml } from './support/config-folder.js';
import { Running, run } from './support/run.js';

const routeWith = (v1: number, v2: number) =>
  route.replace('weight: 100', `weight: ${v1}`).replace('weight: 0 }   #', `weight: ${v2} }   #`);

async function startServer() {
  const folder = keep(new ConfigFolder({ 'reviews.yaml': reviewsYaml, 'route.yaml': route }));
  const { addresses } = keep(await serveFolder(folder.path));
  const file = join(folder.path, 'route.yaml');
  const flags = ['--file', file, '--server', addresses.debug, '--output', 'json'];
  const canary = async (...more: string[]) => summaryOf(await run('canary', 'reviews', ...flags, ...more));
  const start = (...more: string[]) => keep(new Running(['canary', 'reviews', ...flags, '--interval', '1h', ...more]));
  return { folder, file, canary, start, text: () => readFileSync(file, 'utf8') };
}

function summaryOf({ code, out }: { code: number; out: string }) {
  const events = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  return { code, events, summary: events.at(-1) };
}

const wait = { timeout: 15_000 };

describe('inmesh canary, in a file', () => {
  it('changes nothing in a dry run, and says what it would do', async () => {
    const { file, folder } = await startServer();
    const { code, out } = await run('canary', 'reviews', '--to', 'v2', '--file', file, '--dry-run', '--server', 'x:1');
    expect(code).toBe(0);
    expect(out.replace(/after \d+s/, 'after 0s').split('\n')).toEqual([
      `VirtualService default/reviews of ${file}: to v2`,
      ...[
        '  5 %: v1=95 v2=5',
        '  10 %: v1=90 v2=10',
        '  25 %: v1=75 v2=25',
        '  50 %: v1=50 v2=50',
        '  100 %: v1=0 v2=100',
      ],
      'each settles for 11s, and is watched for 30s and 100 requests, by the load reports of x:1',
      'at least 99 % must succeed; back at once where that is no chance, or after 2 windows',
      expect.stringMatching(/^ {2}warning: http:\/\/x:1\/debug\/loads has no answer: /),
      'planned after 0s: v1=100 v2=0',
      '',
    ]);
    expect(readFileSync(file, 'utf8')).toBe(route);
    expect(readdirSync(folder.path).sort()).toEqual(['reviews.yaml', 'route.yaml']);
  });

  it('goes on after a crash, and lets no second one in meanwhile', async () => {
    const { start, canary, text, folder } = await startServer();
    const first = start('--to', 'v2', '--steps', '30,100');
    await expect.poll(text, wait).toBe(routeWith(70, 30));
    const second = await canary('--to', 'v2');
    expect(second).toMatchObject({ code: 3, summary: { outcome: 'conflict', percent: 30 } });
    expect(second.summary.reason).toContain('is under way, to v2 at 30 %');
    first.process.kill('SIGKILL');
    await first.exit;
    expect(readdirSync(folder.path)).toContain('.route.yaml.default.virtualservice.reviews.canary');
    // Nobody calls, so that it waits for a moment and goes back: from where the first one had begun.
    const resumed = await canary('--resume', '--interval', '20ms', '--max-wait', '40ms');
    expect(resumed.events.find(({ event }) => event === 'resumed')).toMatchObject({ to: 'v2', percent: 30 });
    expect(resumed).toMatchObject({ code: 1, summary: { outcome: 'rolled_back', percent: 0 } });
    expect(resumed.summary.reason).toBe('not enough to judge by: 0 of 100 requests');
    expect(text()).toBe(route);
    expect(readdirSync(folder.path).sort()).toEqual(['reviews.yaml', 'route.yaml']);
  });

  it('goes on by the settings that it began with, but for those that are given now', async () => {
    const { start, canary, folder } = await startServer();
    const began = ['--steps', '30,100', '--interval', '2h', '--min-requests', '7', '--success-rate', '98'];
    const first = start('--to', 'v2', ...began, '--max-latency-p99', '1.5x', '--analysis-windows', '3');
    await expect.poll(() => first.out, wait).toContain('"event":"step"');
    await first.close();
    const limits = {
      successRate: 0.98,
      minRequests: 7,
      latency: '1.5x',
      settleMs: 200,
      intervalMs: 7_200_000,
      windows: 3,
    };
    const planned = async (...flags: string[]) => (await canary('--dry-run', ...flags)).events[0];
    expect(await planned('--resume')).toMatchObject({ event: 'plan', limits });
    expect(await planned('--to', 'v2')).toMatchObject({ event: 'plan', limits });
    expect(await planned('--to', 'v2', '--steps', '30,100')).toMatchObject({ event: 'plan', limits });
    const others = await planned('--resume', '--min-requests', '9', '--settle', '3s');
    expect(others.limits).toEqual({ ...limits, minRequests: 9, settleMs: 3000 });
    const { code, summary } = await canary('--to', 'v2', '--steps', '60,100');
    expect({ code, outcome: summary.outcome }).toEqual({ code: 3, outcome: 'conflict' });
    expect(summary.reason).toContain('began with the steps 30,100, and not with 60,100: leave --steps out');
    // What is given to one that goes on is for the next that does.
    const second = start('--resume', '--min-requests', '5');
    await expect.poll(() => second.out, wait).toContain('"event":"step"');
    await second.close();
    expect((await planned('--resume')).limits).toEqual({ ...limits, minRequests: 5, intervalMs: 3_600_000 });
    expect(readdirSync(folder.path)).toContain('.route.yaml.default.virtualservice.reviews.canary');
  });

  it('warns of windows that are shorter than the reports are apart, and in a dry run of metrics that know nothing', async () => {
    const { canary } = await startServer();
    const { events } = await canary('--to', 'v2', '--interval', '50ms', '--dry-run');
    expect(events.flatMap(({ event, message }) => (event === 'warning' ? [message] : []))).toEqual([
      '--interval: in 0.05s most windows see nothing, because clients report every 0.1s: make it longer',
      'nothing was ever counted of reviews.default.svc.cluster.local, of any version: do clients call it, and do they report (docs/canary.md)?',
    ]);
  });

  it('warns of a label of a revision, as a shift does', async () => {
    const { folder, file } = await startServer();
    folder.write('route.yaml', route.replace('metadata: {', 'metadata: { labels: { istio.io/rev: old },'));
    const message = 'warning: it has the label istio.io/rev: old: config servers of another revision do not read it';
    const flags = ['reviews', '--to', 'v2', '--file', file, '--dry-run'];
    expect((await run('canary', ...flags)).out).toContain(message);
    expect((await run('shift', ...flags)).err).toBe(`inmesh shift: ${message}\n`);
  });

  it('says which steps it is beyond already', async () => {
    const { folder, file } = await startServer();
    folder.write('route.yaml', routeWith(90, 10));
    const { out } = await run('canary', 'reviews', '--to', 'v2', '--file', file, '--dry-run', '--server', 'x:1');
    expect(out).toContain('  100 %: v1=0 v2=100\n  skipped, it has as much already: 5, 10 %\n');
  });

  it('stays where it is at SIGHUP and SIGTERM, and goes back when it is told so', async () => {
    const { start, canary, text } = await startServer();
    const first = start('--to', 'v2');
    await expect.poll(() => first.out, wait).toContain('"event":"step"');
    first.process.kill('SIGHUP');
    expect(await first.exit).toBe(129);
    expect(summaryOf({ code: 129, out: first.out }).summary).toMatchObject({ outcome: 'interrupted', exitCode: 129 });
    const second = start('--resume');
    await expect.poll(() => second.out, wait).toContain('"event":"step"');
    second.process.kill('SIGTERM');
    expect(await second.exit).toBe(143);
    expect(text()).toBe(routeWith(95, 5));
    expect(await canary('--rollback')).toMatchObject({ code: 0, summary: { outcome: 'rolled_back', percent: 0 } });
    expect(text()).toBe(route);
    expect(await canary('--rollback')).toMatchObject({
      code: 3,
      summary: { reason: expect.stringContaining('no canary') },
    });
  });

  it('takes the traffic back at SIGINT when it was told so before', async () => {
    const { start, text } = await startServer();
    const first = start('--to', 'v2', '--rollback-on-interrupt');
    await expect.poll(() => first.out, wait).toContain('"event":"step"');
    first.process.kill('SIGINT');
    expect(await first.exit).toBe(1);
    expect(text()).toBe(route);
  });

  it('stops when somebody else changes the weights, and keeps what else they change', async () => {
    const { start, canary, text, folder } = await startServer();
    const first = start('--to', 'v2', '--interval', '100ms', '--max-wait', '1h');
    await expect.poll(text, wait).toBe(routeWith(95, 5));
    folder.write('route.yaml', `${text()}# more\n`);
    const checked = first.out.length;
    folder.write('route.yaml', `${routeWith(60, 40)}# more\n`);
    expect(await first.exit).toBe(3);
    expect(JSON.parse(first.out.slice(checked).trimEnd().split('\n').at(-1)!)).toMatchObject({
      ...{ outcome: 'conflict', percent: 40 },
      reason: expect.stringContaining('somebody has changed the weights: they are v1=60 v2=40, and not v1=95 v2=5'),
    });
    const resumed = await canary('--resume');
    expect(resumed).toMatchObject({ code: 3, summary: { outcome: 'conflict', to: 'v2', percent: 40 } });
    expect(text()).toBe(`${routeWith(60, 40)}# more\n`);
    const { code, events } = await canary('--rollback', '--force');
    expect([code, events.map(({ event }) => event)]).toEqual([0, ['warning', 'summary']]);
  });

  it('does not begin what it could not watch', async () => {
    const { canary, text } = await startServer();
    const { code, summary } = await canary('--to', 'v2', '--server', '127.0.0.1:1');
    expect({ code, outcome: summary.outcome }).toEqual({ code: 3, outcome: 'failed' });
    expect(summary.reason).toContain('http://127.0.0.1:1/debug/loads has no answer');
    expect(text()).toBe(route);
  });
});

/** A Prometheus that has scraped twice as much each time it is asked. */
async function startPrometheus(): Promise<{ url: string; queries: string[]; close(): void }> {
  const queries: string[] = [];
  let scrapes = 0;
  const series = (name: string, version: string, labels: object, value: number) => ({
    metric: { __name__: name, reporter: 'source', destination_version: version, ...labels },
    value: [1, String(value)],
  });
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const query = new URLSearchParams(body).get('query')!;
    queries.push(query);
    scrapes += 1;
    const version = query.includes('"2-green"') ? 'v2' : 'v1';
    const isLost = query.includes('response_flags');
    const bucket = (le: string) => series('bucket', version, { le }, scrapes * 1000);
    const result = query.startsWith('last_over_time(istio_requests_total')
      ? [
          series('requests', version, { response_code: '200' }, scrapes * 1000),
          series('requests', version, { response_code: '503' }, version === 'v2' ? 0 : scrapes),
          series('requests', version, { response_code: '0', response_flags: 'DC' }, scrapes * 500),
        ]
      : [bucket('10'), bucket('+Inf')];
    const data = { resultType: 'vector', result: isLost ? [] : result };
    response.end(JSON.stringify({ status: 'success', data }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${port}/`, queries, close };
}

describe('inmesh canary, by a Prometheus', () => {
  it('asks for the label of the subset, and counts what was since', async () => {
    const { url, queries } = keep(await startPrometheus());
    const subsets = reviewsYaml.slice(reviewsYaml.lastIndexOf('---')).replace('version: v2 }', 'version: 2-green }');
    const folder = keep(new ConfigFolder({ 'all.yaml': `${route}${subsets}` }));
    const flags = ['--file', join(folder.path, 'all.yaml'), '--prometheus', url, '--output', 'json'];
    const limits = ['--steps', '50,100', '--interval', '20ms', '--settle', '0', '--max-latency-p99', '50ms'];
    const { code, events } = summaryOf(await run('canary', 'reviews', '--to', 'v2', ...flags, ...limits));
    expect(code).toBe(0);
    const labels = 'reporter="source",destination_service="reviews.default.svc.cluster.local",destination_version=';
    // What was there before is looked for further back.
    const asked = queries.filter((query) => query.includes('requests_total') && query.includes('2-green'));
    expect(asked.slice(0, 2)).toEqual([
      `last_over_time(istio_requests_total{${labels}"2-green"}[1h])`,
      `last_over_time(istio_requests_total{${labels}"2-green"}[5m])`,
    ]);
    expect(queries).toContain(
      `last_over_time(istio_requests_total{${labels}"unknown",response_flags=~"(.*,)?(UH|UO|NC)(,.*)?"}[5m])`,
    );
    const [first] = events.filter(({ event }) => event === 'window');
    expect(first).toMatchObject({ verdict: 'passed', canary: { failed: 0, successRate: 1, p99Ms: 9.9 } });
    expect(first.canary.requests % 1000).toBe(0);
    expect(first.stable.failed).toBeGreaterThan(0);
  });
});

describe('inmesh shift, in a file', () => {
  it('sets the weights, and nothing else', async () => {
    const folder = keep(new ConfigFolder({ 'route.yaml': route }));
    const file = join(folder.path, 'route.yaml');
    const shift = (...flags: string[]) => run('shift', 'reviews', '--file', file, ...flags);
    expect(await shift('--to', 'v2=30,v1=70', '--dry-run')).toMatchObject({
      ...{ code: 0, out: `VirtualService default/reviews of ${file}: planned from v1=100 v2=0 to v1=70 v2=30\n` },
    });
    expect(readFileSync(file, 'utf8')).toBe(route);
    await shift('--to', 'v2=30,v1=70');
    expect(readFileSync(file, 'utf8')).toBe(routeWith(70, 30));
    const { out } = await shift('--to', 'v2', '--output', 'json');
    expect(JSON.parse(out)).toMatchObject({
      ...{ event: 'summary', outcome: 'shifted', exitCode: 0, weights: [{ weights: { v1: 0, v2: 100 } }] },
    });
    expect(readFileSync(file, 'utf8')).toBe(routeWith(0, 100));
    expect(readdirSync(folder.path)).toEqual(['route.yaml']);
  });

  it('takes the versions in any order, and the rules that have all of them', async () => {
    const rule = (...versions: [string, number][]) =>
      `    - route: [${versions.map(([name, weight]) => `{ destination: { host: reviews, subset: ${name} }, weight: ${weight} }`).join(', ')}]\n`;
    const head = route.slice(0, route.indexOf('    - route'));
    const written = `${head}${rule(['v1', 100], ['v3', 0])}${rule(['v1', 100], ['v2', 0])}`;
    const folder = keep(new ConfigFolder());
    const file = join(folder.path, 'route.yaml');
    for (const to of ['v1=90,v2=10', 'v2=10,v1=90']) {
      folder.write('route.yaml', written);
      expect(await run('shift', 'reviews', '--file', file, '--to', to)).toMatchObject({ code: 0 });
      expect(readFileSync(file, 'utf8')).toBe(`${head}${rule(['v1', 100], ['v3', 0])}${rule(['v1', 90], ['v2', 10])}`);
    }
    expect((await run('shift', 'reviews', '--file', file, '--to', 'v2=50,v3=50')).err).toContain(
      'no rule has all of v2, v3',
    );
  });

  it('refuses what is of several hosts, unless one is named, and in a dry run what cannot be written', async () => {
    const rule = route.slice(route.indexOf('    - route'));
    const ratings = rule.replaceAll('reviews', 'ratings');
    const folder = keep(new ConfigFolder({ 'route.yaml': `${route}${ratings}` }));
    const file = join(folder.path, 'route.yaml');
    const shift = (...flags: string[]) => run('shift', 'reviews', '--file', file, '--to', 'v2', ...flags);
    expect((await shift()).err).toContain('v2 is a version of several hosts');
    expect((await shift('--host', 'ratings')).code).toBe(0);
    const all = ratings.replace('weight: 100', 'weight: 0').replace('weight: 0 }   #', 'weight: 100 }   #');
    expect(readFileSync(file, 'utf8')).toBe(`${route}${all}`);
    folder.write(
      'route.yaml',
      route.replace('weight: 100', 'weight: &all 100').replace('weight: 0 }', 'weight: *all }'),
    );
    const refused = expect.stringContaining('cannot be changed in place');
    expect(await shift('--dry-run', '--to', 'v2=10,v1=90')).toMatchObject({ code: 3, err: refused });
  });

  it('sets those of a GRPCRoute', async () => {
    const written = (v1: number, v2: number) => `apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: { name: reviews }
spec:
  parentRefs: [{ group: "", kind: Service, name: reviews }]
  rules:
    - matches: [{ method: { service: shop.v1.Reviews } }]
      backendRefs: [{ name: reviews-v1, port: 9090, weight: ${v1} }, { name: reviews-v2, port: 9090, weight: ${v2} }]
`;
    const folder = keep(new ConfigFolder({ 'route.yaml': written(1, 0) }));
    const file = join(folder.path, 'route.yaml');
    expect(await run('shift', 'grpcroute/reviews', '--file', file, '--to', 'v1=90,v2=10')).toMatchObject({
      ...{
        code: 0,
        out: expect.stringMatching(
          /^GRPCRoute default\/reviews .* from reviews-v1=1 reviews-v2=0 to reviews-v1=90 reviews-v2=10\n$/,
        ),
      },
    });
    expect(readFileSync(file, 'utf8')).toBe(written(90, 10));
  });

  it('is refused while there is a canary, and when a version is missing', async () => {
    const { start, file, text } = await startServer();
    start('--to', 'v2');
    await expect.poll(text, wait).toBe(routeWith(95, 5));
    const shift = (...flags: string[]) => run('shift', 'reviews', '--file', file, ...flags);
    expect(await shift('--to', 'v1')).toMatchObject({ code: 3, err: expect.stringContaining('to v2 is under way') });
    expect(await shift('--to', 'v1=50,v3=50', '--force')).toMatchObject({
      code: 3,
      err: expect.stringContaining(
        'no destination is called v3 (there is v1, v2): add to route of the rule that is meant',
      ),
    });
    expect(text()).toBe(routeWith(95, 5));
  });

  it('ends a canary that has stopped, when it is forced', async () => {
    const { start, file, text, folder } = await startServer();
    const first = start('--to', 'v2');
    await expect.poll(text, wait).toBe(routeWith(95, 5));
    await first.close();
    const shift = (...flags: string[]) => run('shift', 'reviews', '--file', file, '--to', 'v1=80,v2=20', ...flags);
    expect((await shift()).err).toContain(
      `to v2 has stopped half-way: end it with inmesh canary virtualservice/reviews --file ${file} --rollback, or take`,
    );
    expect((await shift('--force')).code).toBe(0);
    expect(text()).toBe(routeWith(80, 20));
    expect(readdirSync(folder.path).sort()).toEqual(['reviews.yaml', 'route.yaml']);
  });
});

describe('the command lines of canaries', () => {
  it.each([
    [['canary', 'reviews'], '--to is missing'],
    [['canary', '--to', 'v2'], 'name one VirtualService, HTTPRoute or GRPCRoute'],
    [['canary', 'service/reviews', '--to', 'v2'], '"service" has no weights'],
    [['canary', 'reviews', '--to', 'v2', '--rollback'], 'give it alone'],
    [
      ['canary', 'reviews', '--resume', '--steps', '60,100'],
      '--steps: a canary that stopped has those that it began with',
    ],
    [['canary', 'reviews', '--to', 'v2', '--settle', 'long'], '--settle'],
    [
      ['canary', 'reviews', '--to', 'v2', '--steps', '5,50'],
      '--steps: "5,50" is not a list of rising percents that ends with 100',
    ],
    [['canary', 'reviews', '--to', 'v2', '--steps', '50,5,100'], '--steps'],
    [['canary', 'reviews', '--to', 'v2', '--success-rate', '101'], '--success-rate: 101 is more than 100 percent'],
    [
      ['canary', 'reviews', '--to', 'v2', '--success-rate', '0.99'],
      '--success-rate: 0.99 would be 0.99 percent: it is in percent, so write 99',
    ],
    [['canary', 'reviews', '--to', ''], '--to is missing'],
    [['canary', 'reviews', '--to', 'v2', '--prometheus', 'http://['], '--prometheus: "http://[" is not a URL'],
    [['canary', 'reviews', '--to', 'v2', '--min-requests', '1.5'], '--min-requests: 1.5 is not a whole number'],
    [['canary', 'reviews', '--to', 'v2', '--max-latency-p99', 'fast'], '--max-latency-p99'],
    [['canary', 'reviews', '--to', 'v2', '--output', 'yaml'], '--output: "yaml" is not text or json'],
    [['canary', 'reviews', '--to', 'v2', '--server', 'x'], '--server: "x" is not host:port'],
    [['canary', 'reviews', '--to', 'v2', '--server', 'x:1', '--prometheus', 'http://x'], 'not both'],
    [['canary', 'reviews', '--to', 'v2', '--file', 'x', '--context', 'y'], '--file is of no cluster'],
    [['serve', '--config', 'x', '--load-report-interval', '0s'], '--load-report-interval: "0s" is not above 0'],
    [['shift', 'reviews'], '--to is missing'],
    [['shift', 'reviews', '--to', 'v1=50,v2=40'], 'add up to 90, not 100'],
    [['shift', 'reviews', '--to', 'v1=50,v1=50'], 'names a version twice'],
    [['shift', 'reviews', '--to', 'v1=all,v2'], '"v1=all" is not VERSION=PERCENT'],
  ])('%j ends with code 2', async (argv, message) => {
    const { code, err } = await run(...argv);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(message) });
  });

  it('are explained', async () => {
    expect((await run('canary', '--help')).out).toMatch(/^inmesh canary TARGET --to VERSION/);
    expect((await run('shift', '--help')).out).toMatch(/^inmesh shift TARGET --to v2/);
  });
});
