import type { Clock, MeshResources, Random } from '@inmesh/core';
import { adsService } from '../grpc/ads-service.js';
import type { Logger } from '../logger.js';
import type {
  DeltaDiscoveryRequest,
  DeltaDiscoveryResponse,
  DiscoveryRequest,
  DiscoveryResponse,
} from '../messages.js';
import { credentialsReader } from './bootstrap/channel-credentials.js';
import type { AdsConnection, ConnectionHandlers } from './connection.js';
import { grpcConnector } from './grpc-connection.js';
import type { LastGoodCopy } from './last-good/last-good-copy.js';
import { type NodeIdentity, nodeMessage } from './node.js';
import type { ClientIdentity, XdsServerConfig } from './server-config.js';
import { Freshness } from './servers/freshness.js';
import { ServerChoice } from './servers/server-choice.js';
import { type AdsVariant, type LinkEvents, type LinkStatus, ServerLink } from './servers/server-link.js';
import { serverParts } from './servers/server-parts.js';
import { Warming } from './warming.js';
import type { WarmingScope } from './warming-scope.js';

export type AdsStatus = LinkStatus;

/** Begins to connect to one of the servers. */
export type ConnectTo<Request, Response> = (
  handlers: ConnectionHandlers<Response>,
  server: XdsServerConfig,
) => AdsConnection<Request>;

export interface AdsClientOptions {
  /** In the order in which they are tried (gRFC A71); at least one. */
  readonly servers: readonly XdsServerConfig[];
  /**
   * For a client that asks by name for the listeners of `subscribe` and for what they refer to (gRFC A47): who is asked for
   * `xdstp://AUTHORITY/...`. Default: the servers are asked for all they have.
   */
  readonly authorities?: ReadonlyMap<string, readonly XdsServerConfig[]> | undefined;
  /** Whether a server that says nothing of listeners at all has what comes in awaited. Default: it counts as not existing. */
  readonly awaitsInbound?: boolean | undefined;
  readonly node: NodeIdentity;
  /** Shown to servers of `tls://`; looked at for each connection. */
  readonly identity?: (() => ClientIdentity | undefined) | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Called with each complete and consistent configuration, at most once a turn. Unchanged parts are the same objects. */
  readonly onResources: (resources: MeshResources) => void;
  readonly onStatus?: ((status: AdsStatus) => void) | undefined;
  /** Default: `state of the world`, which every server knows. */
  readonly variant?: AdsVariant | undefined;
  /** Default: 64 MiB. */
  readonly maxReceiveMessageBytes?: number | undefined;
  /** Where what is published is kept, for `useLastGood`. Default: nowhere. */
  readonly lastGood?: LastGoodCopy | undefined;
  /** For tests. Default: gRPC. */
  readonly connect?: ConnectTo<DiscoveryRequest, DiscoveryResponse> | undefined;
  readonly connectIncrementally?: ConnectTo<DeltaDiscoveryRequest, DeltaDiscoveryResponse> | undefined;
}

const defaultMaxReceiveMessageBytes = 64 * 1024 * 1024;

/**
 * Keeps an ADS stream open and turns what comes into mesh configurations. Whatever happens to the servers
 * or to the stream, the last good resources stay.
 */
export class AdsClient {
  readonly #options: AdsClientOptions;
  readonly #warming: Warming;
  /** The first is that of `servers`. */
  readonly #parts: readonly Part[];
  #isStarted = false;

  constructor(options: AdsClientOptions) {
    const { clock, lastGood, awaitsInbound = false } = options;
    this.#options = options;
    this.#warming = new Warming(
      clock,
      (resources) => {
        options.onResources(resources);
        // Half of a configuration, or one of which nothing was wanted yet, must not replace a whole one.
        if (lastGood !== undefined && this.#isWhole) lastGood.changed(this.#warming.store);
      },
      () => this.#updateNames(),
      { keepsBytes: lastGood !== undefined, isNamed: options.authorities !== undefined, awaitsInbound },
    );
    const parts = serverParts(options.servers, options.authorities);
    this.#parts = parts.map(({ servers, owns }): Part => {
      const scope = this.#warming.createScope(owns);
      const choice = new ServerChoice({
        warming: scope,
        isAlone: parts.length === 1,
        onStatus: () => options.onStatus?.(this.status),
        createLinks: (events) => createLinks(options, servers, scope, events),
      });
      return { scope, choice };
    });
  }

  /** Of several authorities, that of one that is lost. */
  get status(): AdsStatus {
    const statuses = this.#parts.filter(({ choice }, index) => index === 0 || choice.isStarted);
    const lost = statuses.find(({ choice }) => choice.status.kind === 'disconnected');
    return (lost ?? this.#parts[0]!).choice.status;
  }

  /** Does nothing when started already. */
  start(): void {
    this.#isStarted = true;
    this.#parts[0]?.choice.start();
    this.#updateNames();
  }

  /** The listeners to ask for from now on, where they are asked for by name. */
  subscribe(listeners: ReadonlySet<string>): void {
    this.#warming.subscribe(listeners);
  }

  /**
   * Publishes the copy of the last good configuration, if there is one and no server was faster. What a server sends
   * replaces it. Returns how old it is; undefined when it is not used.
   */
  async useLastGood(): Promise<number | undefined> {
    if (this.#isServed) return undefined;
    const copy = await this.#options.lastGood?.load();
    return copy !== undefined && this.#warming.useInstead(copy.resources) ? copy.ageMs : undefined;
  }

  /** Leaves no timer and no socket behind; what was published stays valid. Settles when the copy of it is written. */
  async close(): Promise<void> {
    this.#isStarted = false;
    for (const { choice } of this.#parts) choice.close();
    this.#warming.close();
    await this.#options.lastGood?.close();
  }

  /** The servers of an authority are not connected to before something of theirs is needed. */
  #updateNames(): void {
    if (!this.#isStarted) return;
    for (const { scope, choice } of this.#parts) {
      if (scope.isNeeded) choice.start();
      choice.updateNames();
    }
  }

  get #isWhole(): boolean {
    return !this.#warming.isAwaiting && !this.#warming.isUnwanted;
  }

  /** Whether any configuration came from a server. */
  get #isServed(): boolean {
    if (this.#options.authorities !== undefined) return this.#warming.isPublished;
    const { listener, cluster } = this.#warming.store;
    return listener.isReceived && cluster.isReceived;
  }
}

interface Part {
  readonly scope: WarmingScope;
  readonly choice: ServerChoice;
}

function createLinks(
  options: AdsClientOptions,
  servers: readonly XdsServerConfig[],
  warming: WarmingScope,
  events: LinkEvents,
): ServerLink[] {
  const { clock, random, logger, connect, connectIncrementally } = options;
  const node = nodeMessage(options.node);
  const freshness = new Freshness(clock);
  return servers.map((server) => {
    const grpc = {
      serverUri: server.serverUri,
      credentials: credentialsReader(server.credentials, logger, options.identity),
      maxReceiveMessageBytes: options.maxReceiveMessageBytes ?? defaultMaxReceiveMessageBytes,
    };
    return new ServerLink(
      {
        ...{ server, node, warming, freshness, clock, random, logger },
        connect: connect
          ? (handlers) => connect(handlers, server)
          : grpcConnector(grpc, adsService.streamAggregatedResources),
        connectIncrementally: connectIncrementally
          ? (handlers) => connectIncrementally(handlers, server)
          : grpcConnector(grpc, adsService.deltaAggregatedResources),
        variant: options.variant ?? 'state of the world',
      },
      events,
    );
  });
}
