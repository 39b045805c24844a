import { create } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import type { Server, ServerDuplexStream } from '@grpc/grpc-js';
import { loadReportingService } from '../grpc/status-services.js';
import type { Logger } from '../logger.js';
import { type LoadStatsRequest, type LoadStatsResponse, LoadStatsResponseSchema, type Node } from '../messages.js';
import { type ClusterLoad, type LoadReport, LoadReports, readClusterStats } from './load-reports.js';
import { type LoadTotal, LoadTotals } from './load-totals.js';
import type { SnapshotSource } from './snapshot-cache.js';

export interface LoadReportServerOptions {
  readonly cache: SnapshotSource;
  readonly logger: Logger;
  /** Milliseconds. Default: the wall clock. */
  readonly now?: () => number;
  /** How often clients report. Default 10 s. */
  readonly intervalMs?: number;
  readonly onLoad?: ((load: ClusterLoad) => void) | undefined;
}

const defaultIntervalMs = 10_000;

type LoadCall = ServerDuplexStream<LoadStatsRequest, LoadStatsResponse>;

/** Takes what clients report by Envoy's LoadReportingService. */
export class LoadReportServer {
  readonly #options: LoadReportServerOptions;
  readonly #streams = new Set<LoadStream>();
  readonly #totals = new LoadTotals();
  readonly #unwatch: () => void;
  /** How often clients are told to report. */
  readonly intervalMs: number;

  constructor(options: LoadReportServerOptions) {
    this.#options = options;
    this.intervalMs = options.intervalMs ?? defaultIntervalMs;
    this.#unwatch = options.cache.watch(() => {
      for (const stream of this.#streams) stream.ask();
    });
  }

  addTo(server: Pick<Server, 'addService'>): void {
    server.addService(loadReportingService, { streamLoadStats: (call: LoadCall) => this.#open(call) });
  }

  /** The latest of each client that is connected, for each of its clusters. */
  reports(): LoadReport[] {
    return [...this.#streams].flatMap(({ reports }) => reports.all);
  }

  /** Of each cluster, since the server began. */
  totals(): LoadTotal[] {
    return this.#totals.all;
  }

  close(): void {
    this.#unwatch();
    for (const stream of this.#streams) stream.end();
    this.#streams.clear();
  }

  #open(call: LoadCall): void {
    const stream = new LoadStream(call, { ...this.#options, intervalMs: this.intervalMs }, this.#totals);
    this.#streams.add(stream);
    const forget = () => this.#streams.delete(stream);
    call.on('data', (request: LoadStatsRequest) => stream.receive(request));
    call.on('end', () => {
      forget();
      call.end();
    });
    call.on('cancelled', forget);
    call.on('close', forget);
    call.on('error', forget);
  }
}

class LoadStream {
  readonly reports = new LoadReports();
  #node: Node | undefined;
  /** What was asked for last, to tell changes. */
  #asked: string | undefined;
  #isWriting = false;
  #isFull = false;

  constructor(
    private readonly call: LoadCall,
    private readonly options: LoadReportServerOptions & { readonly intervalMs: number },
    private readonly totals: LoadTotals,
  ) {}

  receive({ node, clusterStats }: LoadStatsRequest): void {
    this.#node ??= node;
    const { onLoad, now = Date.now } = this.options;
    for (const stats of clusterStats) {
      const load = readClusterStats(stats);
      onLoad?.(load);
      this.totals.add(stats);
      const isKept = this.reports.put({ ...load, nodeId: this.#node?.id ?? '', receivedAtMs: now() });
      if (!isKept) this.#reportFull();
    }
    if (this.#asked === undefined) this.ask();
  }

  /** Says which clusters are of interest, when that has changed: all of them. */
  ask(): void {
    if (this.#node === undefined || this.#isWriting || this.call.cancelled || this.call.writableEnded) return;
    const sendAllClusters = this.#node.clientFeatures.includes('envoy.lrs.supports_send_all_clusters');
    const clusters = sendAllClusters ? [] : this.#servedClusters();
    const asked = JSON.stringify(clusters);
    if (asked === this.#asked) return;
    this.#asked = asked;
    const loadReportingInterval = durationFromMs(this.options.intervalMs);
    this.#isWriting = true;
    this.call.write(create(LoadStatsResponseSchema, { sendAllClusters, clusters, loadReportingInterval }), () => {
      this.#isWriting = false;
      this.ask();
    });
  }

  end(): void {
    this.call.end();
  }

  #servedClusters(): string[] {
    return [...(this.options.cache.snapshotFor(this.#node)?.cluster.resources.keys() ?? [])];
  }

  #reportFull(): void {
    if (this.#isFull) return;
    this.#isFull = true;
    this.options.logger.warn('a client reports the load of more clusters than are kept', { nodeId: this.#node?.id });
  }
}
