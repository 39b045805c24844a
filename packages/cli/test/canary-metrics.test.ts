import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { increase } from '../src/canary/analysis/tally.js';
import { loadReports } from '../src/canary/metrics/load-reports.js';
import { prometheus } from '../src/canary/metrics/prometheus.js';
import { type Series, SeriesGains } from '../src/canary/metrics/series-gains.js';

const host = 'reviews.default.svc.cluster.local';
const [v1, v2] = ['v1', 'v2'].map((subset) => ({ host, subset })) as [object, object] as [
  { host: string; subset: string },
  { host: string; subset: string },
];

/** Answers what the test says at the moment; undefined: not at all. */
class Page {
  answer: ((query: string) => unknown) | undefined = undefined;
  readonly #server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const answer = this.answer?.(new URLSearchParams(body).get('query') ?? '');
    if (answer !== undefined) response.end(JSON.stringify(answer));
  });

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

let pages: Page[];
beforeEach(async () => {
  pages = [await new Page().start(), await new Page().start()];
});
afterEach(() => {
  for (const page of pages) page.close();
});

const loads = (began: string, succeeded: number, more: object = {}) => ({
  ...{ began, durationBoundsMs: [10] },
  totals: [
    { cluster: `outbound|80|v2|${host}`, succeeded, failed: 0, dropped: 0, durations: [succeeded, 1], ...more },
    { cluster: `outbound|90|v2|${host}`, succeeded: 1, failed: 1, dropped: 0 },
    { cluster: `outbound|80|v1|${host}`, succeeded: 70, failed: 0, dropped: 0 },
  ],
});

describe('load reports', () => {
  it('are of all ports, and count what was not sent anywhere as failed', async () => {
    const [page] = pages as [Page];
    page.answer = () => loads('a', 5, { dropped: 40, failed: 2 });
    const { canary, stable } = await loadReports([page.address]).read([v2], [v1]);
    const [counter] = canary.values();
    expect(counter).toMatchObject({ succeeded: 6, failed: 43 });
    expect([...(counter?.durations ?? [])]).toEqual([
      [10, 5],
      [Number.POSITIVE_INFINITY, 1],
    ]);
    expect([...stable.values()]).toMatchObject([{ succeeded: 70, failed: 0 }]);
  });

  it('count from nothing for a cluster that is new, and from now on for a server that is', async () => {
    const [page] = pages as [Page];
    page.answer = () => ({ ...loads('a', 0), totals: [] });
    const source = loadReports([page.address]);
    const before = await source.read([v2], [v1]);
    page.answer = () => loads('a', 50);
    expect(increase(before.canary, (await source.read([v2], [v1])).canary)).toMatchObject({ succeeded: 51, failed: 1 });
    page.answer = () => loads('b', 9000);
    expect(increase(before.canary, (await source.read([v2], [v1])).canary)).toMatchObject({ succeeded: 0, failed: 0 });
  });

  it('may be of before a step for as long as clients wait until they report, and a moment more', async () => {
    const [page, other] = pages as [Page, Page];
    const source = loadReports([page.address, other.address]);
    const settleMs = async (...intervals: (number | undefined)[]) => {
      page.answer = () => ({ ...loads('a', 5), reportIntervalMs: intervals[0] });
      other.answer = () => ({ ...loads('b', 5), reportIntervalMs: intervals[1] });
      const { reportIntervalMs } = await source.read([v2], [v1]);
      return [reportIntervalMs, source.settleMs];
    };
    expect(source.settleMs).toBe(11_000);
    expect(await settleMs(200, 100)).toEqual([200, 400]);
    expect(await settleMs(2000, 5000)).toEqual([5000, 6000]);
    expect(await settleMs(200, undefined)).toEqual([10_000, 11_000]);
  });

  it('that have nothing of either side say so', async () => {
    const [page] = pages as [Page];
    page.answer = () => loads('a', 5);
    const source = loadReports([page.address]);
    expect((await source.read([v2], [v1])).isUnknown).toBe(false);
    expect((await source.read([{ host, subset: 'v3' }], [v1])).isUnknown).toBe(false);
    expect((await source.read([{ host: 'ratings', subset: 'v2' }], [])).isUnknown).toBe(true);
  });

  it('of several servers behind one address are refused, and stay so', async () => {
    const [page] = pages as [Page];
    const source = loadReports([page.address]);
    const read = (began: string) => {
      page.answer = () => loads(began, 1);
      return source.read([v2], [v1]);
    };
    await read('a');
    await read('b');
    for (const began of ['a', 'b', 'b', 'a']) {
      await expect(read(began)).rejects.toThrow(
        `several config servers answer at ${page.address} in turn: name each of them by a --server of its own`,
      );
    }
  });

  it('are those of the servers that can be read, with what stands in the way of the others', async () => {
    const [page, other] = pages as [Page, Page];
    page.answer = () => loads('a', 5);
    const source = loadReports([page.address, other.address]);
    other.close();
    const reading = await source.read([v2], [v1]);
    expect([...reading.canary.values()]).toMatchObject([{ succeeded: 6 }]);
    expect(reading.problems).toEqual([expect.stringContaining('/debug/loads has no answer')]);
    page.answer = () => ({});
    await expect(source.read([v2], [v1])).rejects.toThrow(/is no debug port .*; .* has no answer/);
  });

  it('are not waited for when there is no time any more', async () => {
    const [page] = pages as [Page];
    const abort = new AbortController();
    const read = loadReports([page.address]).read([v2], [v1], abort.signal);
    abort.abort();
    await expect(read).rejects.toThrow('has no answer');
  });
});

const vector = (...result: object[]) => ({ data: { resultType: 'vector', result } });
const series = (value: unknown, labels: object = {}) => ({
  metric: { response_code: '200', ...labels },
  value: [1, value],
});

describe('a Prometheus', () => {
  const source = () => prometheus(`http://${pages[0]!.address}`, ({ subset }) => subset);

  it.each(['NaN', '+Inf', '', undefined, null])('that has the value %j is not believed', async (value) => {
    pages[0]!.answer = () => vector(series(value));
    await expect(source().read([v2], [v1])).rejects.toThrow('the Prometheus has a counter without a number');
  });

  it.each([{}, { data: { result: 'x' } }, { data: { resultType: 'scalar', result: [1, '5'] } }])(
    'that answers with %j is not, either',
    async (answer) => {
      pages[0]!.answer = () => answer;
      await expect(source().read([v2], [v1])).rejects.toThrow('the Prometheus answers with what is no vector');
    },
  );

  it('knows what a pod had counted that is scraped again only now', async () => {
    const from = source();
    pages[0]!.answer = (query) => vector(...(query.includes('[1h]') ? [series('5000')] : []));
    const before = await from.read([v2], []);
    pages[0]!.answer = () => vector(series('5003'), series('4', { response_code: '503' }));
    expect(increase(before.canary, (await from.read([v2], [])).canary)).toMatchObject({ succeeded: 3, failed: 4 });
  });

  it('that has no series of either side says so', async () => {
    pages[0]!.answer = () => vector();
    const from = source();
    expect((await from.read([v2], [v1])).isUnknown).toBe(true);
    pages[0]!.answer = () => vector(series('0'));
    expect((await from.read([v2], [v1])).isUnknown).toBe(false);
  });

  it('tells of calls that reached no version of the host', async () => {
    const from = source();
    let lost = 10;
    pages[0]!.answer = (query) =>
      vector(...(query.includes('response_flags') ? [series(String(lost), { response_flags: 'UH' })] : []));
    const before = await from.read([v2], [v1]);
    lost = 25;
    expect(increase(before.lost!, (await from.read([v2], [v1])).lost!).failed).toBe(15);
  });
});

describe('what a series has gained', () => {
  const looks = (...values: (number | undefined)[]) => {
    const gains = new SeriesGains();
    const labels = { pod: 'a' };
    const look = (value: number | undefined): Series[] => gains.look(value === undefined ? [] : [{ labels, value }]);
    return values.map((value) => look(value)[0]?.value);
  };

  it.each([
    ['begins with the first look', [40, 42, 42], [0, 2, 2]],
    ['begins with nothing where it was not there at the first look', [undefined, 7, 9], [undefined, 7, 9]],
    ['stays when it is not there for a while', [40, undefined, 42], [0, 0, 2]],
    ['does not grow by asking two Prometheus in turn', [100, 99, 100, 99, 103, 100, 103], [0, 0, 0, 0, 3, 3, 3]],
    ['does not begin anew at one that stays a bit behind', [100, 99, 99, 99, 99, 101], [0, 0, 0, 0, 0, 1]],
    ['does not grow by an old one of which little is known', [10, 2, 10, 3, 10, 11], [0, 0, 0, 0, 0, 1]],
    ['goes on from a restart', [100, 4, 6, 9, 12, 30], [0, 0, 0, 5, 8, 26]],
  ])('%s', (_what, values, expected) => {
    expect(looks(...values)).toEqual(expected);
  });
});
