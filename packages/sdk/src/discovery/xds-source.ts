import type { ClientView } from '@inmesh/config';
import type { Clock, MeshResources, Random, Timer } from '@inmesh/core';
import type { Bootstrap } from '@inmesh/xds/bootstrap';
import {
  AdsClient,
  type AdsStatus,
  type ClientIdentity,
  LastGoodCopy,
  LoadReporter,
  type NodeIdentity,
} from '@inmesh/xds/client';
import type { SecretSource } from '../identity/tls-material.js';
import type { Logger } from '../logger.js';
import type { Claim, Prepare, WorkloadInfo } from '../mesh-internals.js';
import { formatAge } from './format-age.js';
import { LoadCounts } from './load-counts.js';
import { OnDemandListeners } from './on-demand-listeners.js';
import { ServerSecrets } from './server-secrets.js';
import type { ConfigSource } from './source.js';

/** The share of the time that calls wait for a configuration after which a copy of the last one is taken. */
const patience = 0.75;

/** Configuration from an ADS server: incremental where the server knows that, else as state of the world. */
export class XdsSource implements ConfigSource {
  readonly description: string;
  /** Undefined, as `claim` is, where the servers are asked for all they have. */
  readonly prepare: Prepare | undefined;
  readonly claim: Claim | undefined;
  /** Undefined where load is not reported. */
  readonly telemetry: LoadCounts | undefined;
  #reporter: LoadReporter | undefined;
  readonly #secrets: ServerSecrets;
  #client: AdsClient | undefined;
  #status: AdsStatus | undefined;
  /** A copy counts too. */
  #hasResources = false;
  /** Runs until there is a configuration, or a copy of one is looked for. */
  #copyTimer: Timer | undefined;
  #copyAge: string | undefined;
  /** From `start` on, where the servers are asked by name. */
  #onDemand: OnDemandListeners | undefined;
  #latest: MeshResources | undefined;
  /** The same by the names that are called, where the servers are asked by name. */
  #renamed: MeshResources | undefined;

  constructor(
    private readonly options: {
      bootstrap: Bootstrap;
      /** Where the bootstrap names none. */
      nodeId: string;
      workload: WorkloadInfo;
      client: ClientView;
      clock: Clock;
      random: Random;
      logger: Logger;
      /** For servers of `tls://`. Undefined: the workload has none, so that it asks for nothing of zero trust. */
      identity?: (() => ClientIdentity | undefined) | undefined;
      /** The path of the file; undefined for none. */
      lastGoodCopy: string | undefined;
      startTimeoutMs: number;
      /** Default: it is kept to oneself what is sent where. */
      loadReports?: boolean;
    },
  ) {
    this.description = `xds ${options.bootstrap.servers.map(({ serverUri }) => serverUri).join(', ')}`;
    this.telemetry = options.loadReports ? new LoadCounts() : undefined;
    const { clock, random, logger, identity } = options;
    // Of several servers they are the first one's: names of secrets say nothing of where they are.
    const server = options.bootstrap.servers[0]!;
    this.#secrets = new ServerSecrets({ server, node: this.#node(), clock, random, logger, identity });
    if (!asksByName(options.bootstrap)) return;
    this.prepare = (scheme, authority) => this.#onDemand?.prepare(scheme, authority);
    this.claim = (scheme, host, authority) => this.#onDemand?.claim(scheme, host, authority);
  }

  get secrets(): SecretSource {
    return this.#secrets.held;
  }

  get server(): string | undefined {
    return this.#status?.kind === 'connected' ? this.#status.serverUri : undefined;
  }

  get problem(): string | undefined {
    const why = this.#outage ?? this.#silence;
    if (this.#copyAge === undefined) return why;
    return `${why}; in use is a copy of the last good configuration, ${this.#copyAge} old`;
  }

  /** Why no server can be asked. */
  get #outage(): string | undefined {
    const status = this.#status;
    if (status === undefined) return 'not connected yet';
    if (status.kind !== 'disconnected') return undefined;
    const { servers, authorities } = this.options.bootstrap;
    // Where there are several, the reason names them.
    const where = servers.length === 1 && authorities.size === 0 ? `${servers[0]!.serverUri}: ` : '';
    return `${where}${status.reason}`;
  }

  /** Until the first configuration of a server. */
  get #silence(): string | undefined {
    if (this.#hasResources && this.#copyAge === undefined) return this.#silenceAboutInbound;
    if (this.server === undefined) return 'connecting to the config server';
    return `connected to ${this.server}, which has sent no complete configuration yet`;
  }

  /** Where it is asked by name: of a whole list it says at once that there is none. */
  get #silenceAboutInbound(): string | undefined {
    if (this.#renamed?.inbound?.isAwaited !== true) return undefined;
    return 'the config server has not said yet what is demanded of those that come in';
  }

  start(deliver: (resources: MeshResources) => Promise<void>): void {
    const { bootstrap, clock, random, logger, startTimeoutMs } = this.options;
    const lastGood = this.#lastGoodCopy();
    this.#reporter = this.#createReporter();
    if (asksByName(bootstrap)) this.#onDemand = this.#createOnDemand(deliver);
    this.#client = new AdsClient({
      servers: bootstrap.servers,
      authorities: asksByName(bootstrap)
        ? new Map([...bootstrap.authorities].map(([name, { servers }]) => [name, servers]))
        : undefined,
      node: this.#node(),
      identity: this.options.identity,
      awaitsInbound: this.options.identity !== undefined,
      variant: 'incremental',
      clock,
      random,
      logger,
      lastGood,
      onResources: (resources) => {
        this.#stopWaiting();
        this.#copyAge = undefined;
        this.#hasResources = true;
        this.#deliver(resources, deliver);
      },
      onStatus: (status) => this.#statusChanged(status),
    });
    if (lastGood !== undefined) {
      this.#copyTimer = clock.setTimer(startTimeoutMs * patience, () => this.#useCopy());
    }
    this.#client.start();
    this.#onDemand?.start();
  }

  async close(): Promise<void> {
    this.#stopWaiting();
    this.#onDemand?.close();
    this.#reporter?.close();
    this.#secrets.close();
    await this.#client?.close();
  }

  #createReporter(): LoadReporter | undefined {
    const { clock, random, logger, identity } = this.options;
    const counts = this.telemetry;
    if (counts === undefined) return undefined;
    return new LoadReporter({ node: this.#node(), take: () => counts.take(), identity, clock, random, logger });
  }

  #createOnDemand(deliver: (resources: MeshResources) => Promise<void>): OnDemandListeners {
    const { bootstrap, clock, startTimeoutMs } = this.options;
    return new OnDemandListeners({
      ...{ bootstrap, clock, waitMs: startTimeoutMs },
      subscribe: (names) => this.#client?.subscribe(names),
      problem: () => this.#outage,
      onHosts: () => {
        if (this.#latest !== undefined) this.#deliver(this.#latest, deliver);
      },
    });
  }

  /** A cluster is of use once the secrets that it names are there. */
  #deliver(resources: MeshResources, deliver: (resources: MeshResources) => Promise<void>): void {
    this.#latest = resources;
    const arrival = this.#secrets.want(resources);
    if (arrival === undefined) this.#deliverNow(resources, deliver);
    else {
      void arrival.then(() => {
        if (this.#latest === resources) this.#deliverNow(resources, deliver);
      });
    }
  }

  #deliverNow(resources: MeshResources, deliver: (resources: MeshResources) => Promise<void>): void {
    const onDemand = this.#onDemand;
    if (onDemand === undefined) void deliver(resources);
    else {
      const renamed = onDemand.rename(resources);
      this.#renamed = renamed;
      // It settles too when something newer is waiting, which then is what calls wait for.
      void deliver(renamed).then(() => {
        if (this.#renamed === renamed) onDemand.published(renamed);
      });
    }
  }

  #statusChanged(status: AdsStatus): void {
    this.#status = status;
    if (status.kind === 'disconnected') this.#useCopy();
    if (status.kind !== 'connected') return;
    const server = this.options.bootstrap.servers.find(({ serverUri }) => serverUri === status.serverUri);
    if (server !== undefined) this.#reporter?.follow(server);
  }

  /** Once. */
  #useCopy(): void {
    if (this.#copyTimer === undefined) return;
    this.#stopWaiting();
    void this.#client?.useLastGood().then((ageMs) => {
      if (ageMs === undefined) return;
      this.#copyAge = formatAge(ageMs);
      this.options.logger.warn(`a copy of the last good configuration is used, ${this.#copyAge} old`, {
        path: this.options.lastGoodCopy,
      });
      // Also seen by those who gave no logger.
      process.emitWarning(`no configuration from ${this.description}: ${this.problem}`, 'InmeshWarning');
    });
  }

  #stopWaiting(): void {
    this.#copyTimer?.cancel();
    this.#copyTimer = undefined;
  }

  #lastGoodCopy(): LastGoodCopy | undefined {
    const { lastGoodCopy: path, bootstrap, workload, clock, logger } = this.options;
    if (path === undefined) return undefined;
    const { cluster, metadata } = this.#node();
    const servers = bootstrap.servers.map(({ serverUri }) => serverUri).join(', ');
    const identity = `${cluster} in ${metadata.NAMESPACE ?? workload.namespace} from ${servers}`;
    return new LastGoodCopy({ path, identity, clock, logger });
  }

  /** What the bootstrap says of the node goes before what the SDK knows by itself. */
  #node(): NodeIdentity {
    const { bootstrap, nodeId, workload, client } = this.options;
    const { node } = bootstrap;
    return {
      id: node.id ?? nodeId,
      cluster: node.cluster ?? (workload.app || workload.name),
      metadata: { ...nodeMetadata(workload, client), ...node.metadata },
      locality: client.locality ?? node.locality,
    };
  }
}

/** As gRPC does; other bootstraps are taken for servers that tell all they know. */
function asksByName({ clientListenerTemplate, authorities }: Bootstrap): boolean {
  return clientListenerTemplate !== undefined || authorities.size > 0;
}

/** Istio's names, so that an istiod can tell who asks. */
function nodeMetadata(workload: WorkloadInfo, { labels, nodeName, egress }: ClientView): NodeIdentity['metadata'] {
  return {
    NAMESPACE: workload.namespace,
    SERVICE_ACCOUNT: workload.serviceAccount,
    WORKLOAD_NAME: workload.name,
    CLUSTER_ID: workload.clusterId,
    ...(labels !== undefined && { LABELS: { ...labels } }),
    ...(nodeName !== undefined && { NODE_NAME: nodeName }),
    // Not Istio's: what this client allows itself.
    ...(egress !== undefined && { INMESH_EGRESS: egress }),
    GENERATOR: 'grpc',
  };
}
