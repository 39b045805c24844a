import type { EventEmitter } from 'node:events';
import { Metadata, type Server, type ServerDuplexStream, status } from '@grpc/grpc-js';
import type { Clock, Timer } from '@inmesh/core';
import { adsService } from '../grpc/ads-service.js';
import { type SingleTypeService, singleTypeServices } from '../grpc/single-type-services.js';
import type { Logger } from '../logger.js';
import type {
  DeltaDiscoveryRequest,
  DeltaDiscoveryResponse,
  DiscoveryRequest,
  DiscoveryResponse,
  Node,
} from '../messages.js';
import { type Position, writePosition } from '../position.js';
import { type ServedKind, servedKinds } from '../resources/type-urls.js';
import type { ClientStatus, ResourceStatus } from './client-status.js';
import { type Admission, DiscoveryStream } from './discovery-stream.js';
import type { SecretSource } from './own-secrets.js';
import { PrivateSecrets } from './private-secrets.js';
import type { SnapshotSource } from './snapshot-cache.js';
import { StreamGate, type StreamRate } from './stream-gate.js';
import { incremental, stateOfTheWorld, type Variant } from './variant.js';

export interface AdsServerOptions {
  readonly cache: SnapshotSource;
  readonly logger: Logger;
  /** Milliseconds, for `status()`. Default: the wall clock. */
  readonly now?: () => number;
  /**
   * How long clients that know lifetimes may use what they do not hear of again. Default: until it is removed, because a
   * lifetime turns an outage of the config server into one of the mesh.
   */
  readonly ttl?: { readonly ms: number; readonly clock: Clock } | undefined;
  /** How fast streams may begin: those that come faster wait, and those that would wait too long are refused. Default: any. */
  readonly streamRate?: StreamRate | undefined;
  /** What the client of a call has proved, where its port asks. Default: nothing. */
  readonly admission?: ((metadata: Metadata) => Admission | undefined) | undefined;
  /** What is made for the client of a call alone, and is in no snapshot. Default: nothing is. */
  readonly secretsFor?: ((metadata: Metadata) => SecretSource | undefined) | undefined;
  /** How far it has followed what it shares with other servers. Default: it shares nothing. */
  readonly position?: (() => Position | undefined) | undefined;
  /** Called for each stream that is refused. */
  readonly onRefused?: (() => void) | undefined;
}

/** What the server needs of its streams, whatever their variant. */
interface Stream {
  readonly node: Node | undefined;
  readonly status: ClientStatus;
  resources(): ResourceStatus[];
  send(): void;
  sendHeartbeats(): void;
  end(): void;
  release(): void;
}

/** Thousands of streams must not hold up the event loop together. */
const streamsPerTurn = 50;

/** A stream that asks for a view that nobody had takes as long as a translation: what else waits has its turn then. */
const sliceMs = 8;

/**
 * Serves snapshots by xDS on a gRPC server of the caller: aggregated and type by type, each as state of the world and
 * incrementally.
 */
export class AdsServer {
  readonly #options: AdsServerOptions;
  readonly #secrets: PrivateSecrets;
  readonly #streams = new Set<Stream>();
  /** Those that have not looked at the newest snapshot yet. */
  readonly #behind = new Set<Stream>();
  readonly #unwatch: () => void;
  readonly #gate: StreamGate | undefined;
  #turn: NodeJS.Immediate | undefined;
  #heartbeat: Timer | undefined;
  #isClosed = false;

  constructor(options: AdsServerOptions) {
    this.#options = options;
    this.#secrets = new PrivateSecrets(options.logger);
    this.#unwatch = options.cache.watch(() => this.#sendToAll());
    if (options.streamRate !== undefined) this.#gate = new StreamGate(options.streamRate);
    this.#scheduleHeartbeat();
  }

  addTo(server: Pick<Server, 'addService'>): void {
    const { streamAggregatedResources: stream, deltaAggregatedResources: delta } = adsService;
    this.#add(server, 'ads', { stream, delta });
    for (const kind of servedKinds) this.#add(server, kind, singleTypeServices[kind]);
  }

  /** One entry for each open stream; one client may have several. */
  status(): ClientStatus[] {
    return [...this.#streams].map((stream) => stream.status);
  }

  /** Who is connected, stream by stream, and what of its subscriptions it has. */
  clients(): { readonly node: Node | undefined; readonly resources: () => readonly ResourceStatus[] }[] {
    return [...this.#streams].map((stream) => ({ node: stream.node, resources: () => stream.resources() }));
  }

  /** Ends all streams, and every later one at once. The gRPC server is left to its owner. */
  close(): void {
    this.#isClosed = true;
    this.#unwatch();
    this.#gate?.close();
    this.#heartbeat?.cancel();
    clearImmediate(this.#turn);
    for (const stream of this.#streams) stream.end();
    this.#streams.clear();
  }

  #add(server: Pick<Server, 'addService'>, service: 'ads' | ServedKind, { stream, delta }: SingleTypeService): void {
    type World = ServerDuplexStream<DiscoveryRequest, DiscoveryResponse>;
    type Delta = ServerDuplexStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse>;
    server.addService(
      { stream, delta },
      {
        stream: (call: World) => this.#admit(call, () => this.#open(call, service, stateOfTheWorld)),
        delta: (call: Delta) => this.#admit(call, () => this.#open(call, service, incremental)),
      },
    );
  }

  #admit(call: Pick<EventEmitter, 'on' | 'emit'>, open: () => void): void {
    const outcome = this.#gate?.enter(open);
    if (outcome === undefined) open();
    if (outcome === 'waiting') {
      const leave = () => this.#gate?.leave(open);
      for (const event of ['cancelled', 'close', 'error']) call.on(event, leave);
    }
    if (outcome === 'refused') {
      this.#options.onRefused?.();
      call.emit('error', { code: status.UNAVAILABLE, details: 'too many clients come at once: try again later' });
    }
  }

  #open<Request, Response>(
    call: ServerDuplexStream<Request, Response>,
    service: 'ads' | ServedKind,
    variant: Variant<Request, Response>,
  ): void {
    if (this.#isClosed) {
      call.end();
      return;
    }
    const { cache, logger, now = Date.now, ttl, admission, secretsFor } = this.#options;
    const stream: Stream & { receive(request: Request): void } = new DiscoveryStream({
      ...{ call, variant, service, cache, logger, now, ttlMs: ttl?.ms },
      identifier: () => this.#identifier,
      ...{ peer: call.getPeer(), secrets: this.#secrets, admission: admission?.(call.metadata) },
      ...{ ownSecrets: secretsFor?.(call.metadata), onOwnSecrets: () => this.#sendLater(stream) },
    });
    this.#streams.add(stream);
    const forget = () => {
      stream.release();
      this.#streams.delete(stream);
      this.#behind.delete(stream);
    };
    call.on('data', (request: Request) => stream.receive(request));
    call.on('end', () => {
      forget();
      call.end();
    });
    call.on('cancelled', forget);
    call.on('close', forget);
    call.on('error', forget);
    // Tells the client that the stream stands, before there is anything to send.
    call.sendMetadata(new Metadata());
  }

  get #identifier(): string | undefined {
    const position = this.#options.position?.();
    return position && writePosition(position);
  }

  /** One that is behind already keeps its place, so that none is starved by changes that follow fast. */
  #sendToAll(): void {
    for (const stream of this.#streams) this.#behind.add(stream);
    if (this.#turn === undefined) this.#sendToSome();
  }

  /** What comes of many streams in one turn is sent together. */
  #sendLater(stream: Stream): void {
    if (!this.#streams.has(stream)) return;
    this.#behind.add(stream);
    this.#turn ??= setImmediate(() => this.#sendToSome());
  }

  #sendToSome(): void {
    this.#turn = undefined;
    let count = 0;
    const { now = Date.now } = this.#options;
    const end = now() + sliceMs;
    for (const stream of this.#behind) {
      if (count === streamsPerTurn || (count > 0 && now() >= end)) {
        this.#turn = setImmediate(() => this.#sendToSome());
        return;
      }
      count += 1;
      this.#behind.delete(stream);
      stream.send();
    }
  }

  /** Three in each lifetime, so that two may be late. */
  #scheduleHeartbeat(): void {
    const { ttl } = this.#options;
    if (ttl === undefined) return;
    this.#heartbeat = ttl.clock.setTimer(ttl.ms / 3, () => {
      for (const stream of this.#streams) stream.sendHeartbeats();
      this.#scheduleHeartbeat();
    });
  }
}
