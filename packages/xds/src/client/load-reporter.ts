import { create } from '@bufbuild/protobuf';
import { durationFromMs, durationMs } from '@bufbuild/protobuf/wkt';
import { backoffDelayMs, type Clock, type Random, type Timer } from '@inmesh/core';
import { loadReportingService } from '../grpc/status-services.js';
import { durationMetricName } from '../load-durations.js';
import type { Logger } from '../logger.js';
import {
  type ClusterStats,
  ClusterStatsSchema,
  EndpointLoadMetricStatsSchema,
  type LoadStatsRequest,
  LoadStatsRequestSchema,
  type LoadStatsResponse,
  type Node,
  UpstreamLocalityStatsSchema,
} from '../messages.js';
import { credentialsReader } from './bootstrap/channel-credentials.js';
import type { AdsConnection, Connect } from './connection.js';
import { grpcConnector } from './grpc-connection.js';
import { type NodeIdentity, nodeMessage } from './node.js';
import type { ClientIdentity, XdsServerConfig } from './server-config.js';

/** What was sent to a cluster since it was asked for last. An attempt counts by itself, whatever a retry made of it. */
export interface SentLoad {
  readonly cluster: string;
  readonly issued: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Calls that were to go there, and found nobody to be sent to. */
  readonly dropped: number;
  /** Now. */
  readonly inProgress: number;
  /** Number and sum of the durations in each bucket of `loadDurationBoundsMs`, and in one more above all of them. */
  readonly durations: readonly { readonly count: number; readonly sumMs: number }[];
}

export interface LoadReporterOptions {
  readonly node: NodeIdentity;
  /** Hands out what was counted, and begins anew. Clusters to which nothing was sent and nothing is under way are left out. */
  readonly take: () => readonly SentLoad[];
  readonly identity?: (() => ClientIdentity | undefined) | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** For tests. Default: gRPC. */
  readonly connect?: (server: XdsServerConfig) => Connect<LoadStatsRequest, LoadStatsResponse>;
}

type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'connecting'; readonly connection: AdsConnection<LoadStatsRequest> }
  | {
      readonly kind: 'reporting';
      readonly connection: AdsConnection<LoadStatsRequest>;
      readonly wanted: Wanted;
      readonly sinceMs: number;
      readonly timer: Timer;
    }
  | { readonly kind: 'waiting'; readonly timer: Timer };

/** Undefined names: all. */
interface Wanted {
  readonly names: ReadonlySet<string> | undefined;
  readonly intervalMs: number;
}

const backoff = { baseMs: 1000, maxMs: 30_000 } as const;
const maxResponseBytes = 4 * 1024 * 1024;
/** A server that asks for more is not obeyed. */
const shortestIntervalMs = 50;
const sendsAll = 'envoy.lrs.supports_send_all_clusters';

/** Tells the config server by Envoy's LoadReportingService what is sent where, as often as that asks for it. */
export class LoadReporter {
  readonly #options: LoadReporterOptions;
  readonly #node: Node;
  readonly #unable = new Set<string>();
  #server: XdsServerConfig | undefined;
  #state: State = { kind: 'idle' };
  #failures = 0;

  constructor(options: LoadReporterOptions) {
    this.#options = options;
    this.#node = nodeMessage(options.node);
    this.#node.clientFeatures = [sendsAll];
  }

  /** Reports to this server from now on: the one that gives the configuration. */
  follow(server: XdsServerConfig): void {
    if (this.#server === server) return;
    this.#leave();
    this.#server = server;
    this.#failures = 0;
    this.#connect(server);
  }

  close(): void {
    this.#leave();
    this.#server = undefined;
  }

  #connect(server: XdsServerConfig): void {
    if (this.#unable.has(server.serverUri)) return;
    const connection = this.#connector(server)({
      onOpen: () => connection.send(create(LoadStatsRequestSchema, { node: this.#node })),
      onResponse: (response) => this.#asked(connection, response),
      onClose: (reason, isUnimplemented) => this.#lost(server, reason, isUnimplemented === true),
    });
    this.#state = { kind: 'connecting', connection };
  }

  #connector(server: XdsServerConfig): Connect<LoadStatsRequest, LoadStatsResponse> {
    const { connect, logger, identity } = this.#options;
    if (connect !== undefined) return connect(server);
    const { serverUri } = server;
    const credentials = credentialsReader(server.credentials, logger, identity);
    return grpcConnector(
      { serverUri, credentials, maxReceiveMessageBytes: maxResponseBytes },
      loadReportingService.streamLoadStats,
    );
  }

  #asked(connection: AdsConnection<LoadStatsRequest>, response: LoadStatsResponse): void {
    this.#failures = 0;
    const { loadReportingInterval: interval, sendAllClusters, clusters } = response;
    const intervalMs = Math.max(shortestIntervalMs, interval === undefined ? 0 : durationMs(interval));
    const names = sendAllClusters ? undefined : new Set(clusters);
    const sinceMs = this.#state.kind === 'reporting' ? this.#state.sinceMs : this.#options.clock.now();
    if (this.#state.kind === 'reporting') this.#state.timer.cancel();
    this.#waitToReport(connection, { names, intervalMs }, sinceMs);
  }

  #waitToReport(connection: AdsConnection<LoadStatsRequest>, wanted: Wanted, sinceMs: number): void {
    const timer = this.#options.clock.setTimer(wanted.intervalMs, () => this.#report());
    this.#state = { kind: 'reporting', connection, wanted, sinceMs, timer };
  }

  #report(): void {
    if (this.#state.kind !== 'reporting') return;
    const { connection, wanted, sinceMs } = this.#state;
    const now = this.#options.clock.now();
    const loads = this.#options.take().filter(({ cluster }) => wanted.names?.has(cluster) ?? true);
    const clusterStats = loads.map((load) => statsOf(load, now - sinceMs));
    connection.send(create(LoadStatsRequestSchema, { clusterStats }));
    this.#waitToReport(connection, wanted, now);
  }

  #lost(server: XdsServerConfig, reason: string, isUnimplemented: boolean): void {
    this.#leave();
    if (isUnimplemented) {
      this.#unable.add(server.serverUri);
      this.#options.logger.info('the config server takes no load reports', { server: server.serverUri, reason });
      return;
    }
    const { clock, random } = this.#options;
    this.#failures += 1;
    const timer = clock.setTimer(backoffDelayMs(backoff, this.#failures, random), () => this.#connect(server));
    this.#state = { kind: 'waiting', timer };
  }

  #leave(): void {
    if (this.#state.kind === 'waiting' || this.#state.kind === 'reporting') this.#state.timer.cancel();
    if (this.#state.kind === 'connecting' || this.#state.kind === 'reporting') this.#state.connection.close();
    this.#state = { kind: 'idle' };
  }
}

function statsOf(load: SentLoad, intervalMs: number): ClusterStats {
  const loadMetricStats = load.durations.flatMap(({ count, sumMs }, bucket) =>
    count === 0
      ? []
      : [
          create(EndpointLoadMetricStatsSchema, {
            metricName: durationMetricName(bucket),
            numRequestsFinishedWithMetric: BigInt(count),
            totalMetricValue: sumMs,
          }),
        ],
  );
  const upstream = create(UpstreamLocalityStatsSchema, {
    totalIssuedRequests: BigInt(load.issued),
    totalSuccessfulRequests: BigInt(load.succeeded),
    totalErrorRequests: BigInt(load.failed),
    totalRequestsInProgress: BigInt(load.inProgress),
    loadMetricStats,
  });
  const loadReportInterval = durationFromMs(Math.round(intervalMs));
  return create(ClusterStatsSchema, {
    clusterName: load.cluster,
    totalDroppedRequests: BigInt(load.dropped),
    upstreamLocalityStats: [upstream],
    loadReportInterval,
  });
}
