import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scraper } from '../../examples/bookinfo/src/demo/scraper.js';
import { constantLoad } from '../support/load.js';

const example = fileURLToPath(new URL('../../examples/bookinfo', import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'inmesh-bookinfo-test-'));
const config = join(folder, 'config');
/** The demo's own temporary folder is made in here. */
const temporary = join(folder, 'tmp');
let demo: ChildProcess;
let output = '';
let url: string;

beforeAll(async () => {
  mkdirSync(temporary);
  cpSync(join(example, 'config'), config, { recursive: true });
  demo = spawn(process.execPath, [join(example, 'dist/main.js')], {
    env: { ...process.env, BOOKINFO_CONFIG: config, BOOKINFO_PORT: '0', TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  url = await readyUrl(demo);
}, 90_000);

afterAll(() => {
  demo.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

function readyUrl({ stdout, stderr }: ChildProcess): Promise<string> {
  stderr!.on('data', (chunk) => {
    output += chunk;
  });
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: stdout! });
    lines.on('line', (line) => {
      output += `${line}\n`;
      if (line.startsWith('READY ')) resolve(line.slice('READY '.length));
    });
    lines.on('close', () => reject(new Error(`the demo ended before it was ready:\n${output}`)));
  });
}

interface ProductPart {
  readonly version?: string;
  readonly error?: string;
}

async function versionFor(user?: string): Promise<string> {
  const response = await fetch(`${url}/api/v1/products/0`, { headers: user === undefined ? {} : { 'end-user': user } });
  const { details, reviews } = (await response.json()) as Record<'details' | 'reviews', ProductPart>;
  const problem = details.error ?? reviews.error;
  if (problem !== undefined) throw new Error(problem);
  return reviews.version!;
}

function pageFor(query: string): Promise<string> {
  return fetch(`${url}/productpage${query}`).then((response) => response.text());
}

/** Written beside and renamed, so that half of it is never read. */
function save(name: string, text: string): void {
  writeFileSync(join(config, '.unfinished'), text);
  renameSync(join(config, '.unfinished'), join(config, name));
}

function saveRoutes(routes: { everyone: string; jason: string }): void {
  const text = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews, namespace: default }
spec:
  hosts: [reviews]
  http:
    - match: [{ headers: { end-user: { exact: jason } } }]
      route: [{ destination: { host: reviews, subset: ${routes.jason} } }]
    - route: [{ destination: { host: reviews, subset: ${routes.everyone} } }]
`;
  save('virtual-service.yaml', text);
}

interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

function processes(): ProcessRow[] {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' }).trim().split('\n');
  return rows.map((row) => {
    const [, pid, parent, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(row)!;
    return { pid: Number(pid), parent: Number(parent), command: command! };
  });
}

function children(): ProcessRow[] {
  return processes().filter(({ parent, command }) => parent === demo.pid && !/^ps\b/.test(command));
}

function killChild(name: string): void {
  const { pid } = children().find(({ command }) => command.includes(name))!;
  process.kill(pid, 'SIGKILL');
}

describe('The rates that the demo shows', () => {
  it('are summed over callers, of which one may end or start again', async () => {
    const counted: Record<string, number> = { a: 1000, b: 10 };
    const scraper = new Scraper(async (url) => {
      const labels = 'reporter="source",destination_canonical_service="ratings",destination_canonical_revision="v1"';
      return `istio_requests_total{${labels},response_code="200"} ${counted[url]}\n`;
    });
    await scraper.scrape(['a', 'b']);
    Object.assign(counted, { a: 1003, b: 12 });
    await scraper.scrape(['a', 'b']);
    expect(scraper.ratesOf('ratings-v1').perSecond).toBe(5);
    counted.c = 7;
    await scraper.scrape(['b', 'c']); // a has ended, and c is its successor at another port.
    expect(scraper.ratesOf('ratings-v1').perSecond).toBe(12);
    counted.b = 4; // b has been started again at its port.
    await scraper.scrape(['b', 'c']);
    expect(scraper.ratesOf('ratings-v1').perSecond).toBe(14);
  });
});

// One demo serves all of them, in this order; the last one ends it.
describe('the bookinfo demo', () => {
  it('shows a page with details and reviews', async () => {
    const page = await pageFor('');
    expect(page).toContain('William Shakespeare');
    expect(page).toMatch(/Answered by reviews-v[12]/);
    expect(output.match(/^READY /gm)).toHaveLength(1);
  });

  it('has every call between its services made over mutual TLS, and known by its certificate', async () => {
    const page = await pageFor('?user=jason');
    const caller = (name: string) => `by spiffe://cluster.local/ns/default/sa/bookinfo-${name}</dd>`;
    expect(page).toContain(`<dt>details</dt><dd>${caller('productpage')}`);
    expect(page).toContain(`<dt>reviews</dt><dd>${caller('productpage')}`);
    expect(page).toContain(`<dt>ratings</dt><dd>${caller('reviews')}`);
    // Each table follows the one before it.
    const rows = () => output.slice(output.lastIndexOf('called        by')).match(/^.*(mutual TLS|plain text).*$/gm);
    await expect.poll(rows, { timeout: 15_000 }).toHaveLength(4);
    const callers = rows()!.map((row) =>
      row
        .trim()
        .split(/\s{2,}/)
        .slice(0, 3),
    );
    expect(callers).toEqual([
      ['details', 'spiffe://cluster.local/ns/default/sa/bookinfo-productpage', 'mutual TLS'],
      ['reviews', 'spiffe://cluster.local/ns/default/sa/bookinfo-productpage', 'mutual TLS'],
      ['ratings', 'spiffe://cluster.local/ns/default/sa/bookinfo-reviews', 'mutual TLS'],
      ['productpage', 'somebody without a certificate', 'plain text'],
    ]);
  }, 20_000);

  it('refuses whom has no certificate, and says so', async () => {
    const [, strict] = /^ {2}curl (\S+)$/m.exec(output)!;
    await expect(fetch(strict!)).rejects.toThrow('fetch failed');
    await expect
      .poll(() => output, { timeout: 5000 })
      .toMatch(/^details-v1: a connection was refused reason="plaintext"/m);
  });

  it('takes from a service account what a saved policy no longer gives it', async () => {
    const policies = readFileSync(join(config, 'authorization-policy.yaml'), 'utf8');
    const line = '              - cluster.local/ns/default/sa/bookinfo-productpage\n';
    expect(policies).toContain(line);
    save('authorization-policy.yaml', policies.replace(line, line.replace('productpage', 'details')));
    await expect
      .poll(() => versionFor().catch(String), { timeout: 5000, interval: 20 })
      .toContain('answered 403: RBAC: access denied');
    const refusal =
      /^reviews-v\d: an incoming call is refused .*peer="spiffe:\/\/cluster.local\/ns\/default\/sa\/bookinfo-productpage"$/m;
    await expect.poll(() => output, { timeout: 5000 }).toMatch(refusal);
    save('authorization-policy.yaml', policies);
    await expect.poll(() => versionFor().catch(String), { timeout: 5000, interval: 20 }).toMatch(/^v[12]$/);
  }, 15_000);

  it('gives jason red stars and nobody else', async () => {
    expect(await pageFor('?user=jason')).toMatch(/class="red".*★★★★★.*Answered by reviews-v3/s);
    const others = await Promise.all(Array.from({ length: 60 }, () => versionFor()));
    expect(new Set(others)).toEqual(new Set(['v1', 'v2']));
    expect(await versionFor('mary')).toMatch(/v1|v2/);
  });

  it('writes what a customer is called as text, not as markup', async () => {
    expect(await pageFor('?user=<script>')).not.toContain('<script>');
  });

  it('shifts all traffic within a second of a save, without a failed request', async () => {
    saveRoutes({ everyone: 'v1', jason: 'v2' });
    // Jason's new version shows that the save has arrived.
    await expect.poll(() => versionFor('jason'), { timeout: 5000, interval: 20 }).toBe('v2');
    const load = constantLoad(4, async () => {
      const startedAt = performance.now();
      return JSON.stringify({ startedAt, version: await versionFor(), endedAt: performance.now() });
    });
    await expect.poll(() => load.answers.length, { timeout: 5000 }).toBeGreaterThan(50);
    const savedAt = performance.now();
    saveRoutes({ everyone: 'v2', jason: 'v2' });
    const shifted = () => load.answers.some((answer) => answer.includes('v2'));
    await expect.poll(shifted, { timeout: 5000, interval: 5 }).toBe(true);
    const answersAtShift = load.answers.length;
    await expect.poll(() => load.answers.length, { timeout: 5000 }).toBeGreaterThan(answersAtShift + 50);
    await load.stop();

    expect(load.failures).toEqual([]);
    const answers = load.answers.map((answer) => JSON.parse(answer));
    const firstV2 = Math.min(...answers.filter(({ version }) => version === 'v2').map(({ endedAt }) => endedAt));
    expect(firstV2 - savedAt).toBeLessThan(1000);
    const later = answers.filter(({ startedAt }) => startedAt > firstV2).map(({ version }) => version);
    expect(new Set(later)).toEqual(new Set(['v2']));
  });

  it('goes on while the config server is killed, and listens to its successor', async () => {
    saveRoutes({ everyone: 'v2', jason: 'v3' });
    await expect.poll(() => versionFor('jason'), { timeout: 5000, interval: 20 }).toBe('v3');
    const load = constantLoad(4, () => versionFor());
    killChild('inmesh.js');
    await expect.poll(() => output, { timeout: 5000 }).toMatch(/config-server ended unexpectedly \(SIGKILL\)/);
    saveRoutes({ everyone: 'v3', jason: 'v3' });
    await expect.poll(() => load.answers.at(-1), { timeout: 20_000, interval: 20 }).toBe('v3');
    await load.stop();
    expect(load.failures).toEqual([]);
  }, 40_000);

  it('starts a killed process again, at another port', async () => {
    killChild('reviews-v1');
    await expect.poll(() => output, { timeout: 5000 }).toMatch(/reviews-v1 ended unexpectedly \(SIGKILL\)/);
    saveRoutes({ everyone: 'v1', jason: 'v3' });
    await expect.poll(() => versionFor().catch(String), { timeout: 15_000, interval: 50 }).toBe('v1');
  }, 30_000);

  it('ends at once on SIGINT and leaves nothing behind', async () => {
    const started = children();
    expect(started).toHaveLength(7);
    expect(readdirSync(temporary)).toHaveLength(1);
    const ended = once(demo, 'exit');
    demo.kill('SIGINT');
    expect(await ended).toEqual([0, null]);
    const left = processes().filter(({ pid }) => started.some((child) => child.pid === pid));
    expect(left).toEqual([]);
    expect(readdirSync(temporary)).toEqual([]);
  }, 15_000);
});
