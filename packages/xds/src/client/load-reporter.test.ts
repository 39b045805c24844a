import { create } from '@bufbuild/protobuf';
import { durationFromMs, durationMs } from '@bufbuild/protobuf/wkt';
import { FakeClock } from '@inmesh/core/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { type LoadStatsRequest, type LoadStatsResponse, LoadStatsResponseSchema } from '../messages.js';
import type { ConnectionHandlers } from './connection.js';
import { LoadReporter, type SentLoad } from './load-reporter.js';
import { insecureServer } from './server-config.js';

interface Stream {
  readonly server: string;
  readonly handlers: ConnectionHandlers<LoadStatsResponse>;
  readonly sent: LoadStatsRequest[];
  isClosed: boolean;
}

const durations = [0, 3, ...new Array<number>(18).fill(0)].map((count) => ({ count, sumMs: count * 0.75 }));
const load = (cluster: string): SentLoad => ({
  ...{ cluster, issued: 5, succeeded: 2, failed: 1, dropped: 4, inProgress: 2, durations },
});
const [a, b] = [insecureServer('a:1'), insecureServer('b:1')];

let clock: FakeClock;
let streams: Stream[];
let reporter: LoadReporter;
let infos: string[];

beforeEach(() => {
  clock = new FakeClock();
  streams = [];
  infos = [];
  reporter = new LoadReporter({
    node: { id: 'n', cluster: 'c', metadata: {} },
    take: () => [load('x'), load('y')],
    clock,
    random: () => 0.5,
    logger: { info: (message) => infos.push(message), warn() {}, error() {} },
    connect: (server) => (handlers) => {
      const stream: Stream = { server: server.serverUri, handlers, sent: [], isClosed: false };
      streams.push(stream);
      const close = () => {
        stream.isClosed = true;
      };
      return { send: (request) => stream.sent.push(request), pause() {}, resume() {}, close };
    },
  });
});

const ask = (stream: Stream, response: { clusters?: string[]; sendAllClusters?: boolean }, ms = 1000) =>
  stream.handlers.onResponse(
    create(LoadStatsResponseSchema, { ...response, loadReportingInterval: durationFromMs(ms) }),
  );
const clustersOf = ({ sent }: Stream) => sent.at(-1)?.clusterStats.map(({ clusterName }) => clusterName);

describe('load reports', () => {
  it('begin with who reports, and come as often as the server asks for them', () => {
    reporter.follow(a);
    const [stream] = streams as [Stream];
    stream.handlers.onOpen();
    expect(stream.sent[0]?.node).toMatchObject({ id: 'n', clientFeatures: ['envoy.lrs.supports_send_all_clusters'] });
    clock.advance(60_000);
    expect(stream.sent).toHaveLength(1);
    ask(stream, { sendAllClusters: true });
    clock.advance(2500.5);
    expect(stream.sent).toHaveLength(3);
    const [stats] = stream.sent[2]!.clusterStats;
    expect(durationMs(stats!.loadReportInterval!)).toBe(1000);
    expect(stats!.totalDroppedRequests).toBe(4n);
    expect(stats!.upstreamLocalityStats).toMatchObject([
      {
        totalIssuedRequests: 5n,
        totalSuccessfulRequests: 2n,
        totalErrorRequests: 1n,
        totalRequestsInProgress: 2n,
        loadMetricStats: [
          { metricName: 'inmesh.request_duration_ms.le.1', numRequestsFinishedWithMetric: 3n, totalMetricValue: 2.25 },
        ],
      },
    ]);
    reporter.close();
    expect(stream.isClosed).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });

  it('are of the clusters that the server names', () => {
    reporter.follow(a);
    const [stream] = streams as [Stream];
    ask(stream, { clusters: ['y', 'z'] });
    clock.advance(1000);
    expect(clustersOf(stream)).toEqual(['y']);
    ask(stream, { sendAllClusters: true }, 5000);
    clock.advance(4999);
    expect(stream.sent).toHaveLength(1);
    clock.advance(1);
    expect(clustersOf(stream)).toEqual(['x', 'y']);
  });

  it('go to the server that gives the configuration, and after a loss to it again', () => {
    reporter.follow(a);
    reporter.follow(a);
    reporter.follow(b);
    expect(streams.map(({ server, isClosed }) => [server, isClosed])).toEqual([
      ['a:1', true],
      ['b:1', false],
    ]);
    streams[1]!.handlers.onClose('UNAVAILABLE: gone');
    clock.advance(500);
    expect(streams.map(({ server }) => server)).toEqual(['a:1', 'b:1', 'b:1']);
  });

  it('are not forced on a server that does not know them', () => {
    reporter.follow(a);
    streams[0]!.handlers.onClose('UNIMPLEMENTED: no', true);
    clock.advance(3_600_000);
    reporter.follow(b);
    reporter.follow(a);
    expect(streams.map(({ server }) => server)).toEqual(['a:1', 'b:1']);
    expect(infos).toEqual(['the config server takes no load reports']);
    expect(clock.pendingTimers).toBe(0);
  });
});
