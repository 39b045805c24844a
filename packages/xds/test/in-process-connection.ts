import type { AdsConnection, Connect, ConnectionHandlers } from '../src/client/connection.js';
import { DiscoveryStream, type DiscoveryStreamOptions } from '../src/server/discovery-stream.js';
import { PrivateSecrets } from '../src/server/private-secrets.js';
import type { SnapshotCache } from '../src/server/snapshot-cache.js';
import type { Variant } from '../src/server/variant.js';
import { RecordingLogger } from './logger.js';

/** A connection without a socket to a server in the same process; nothing moves on it until it is told to. */
export class InProcessConnection<Request, Response> implements AdsConnection<Request> {
  readonly cancelled = false;
  writableEnded = false;
  readonly #stream: DiscoveryStream<Request, Response>;
  readonly #requests: Request[] = [];
  readonly #responses: Response[] = [];
  readonly #unwatch: () => void;
  #flushed: (() => void) | undefined;
  #isPaused = false;

  constructor(
    private readonly handlers: ConnectionHandlers<Response>,
    variant: Variant<Request, Response>,
    cache: SnapshotCache,
  ) {
    const call = this as unknown as DiscoveryStreamOptions<Request, Response>['call'];
    const logger = new RecordingLogger();
    const secrets = new PrivateSecrets(logger);
    const peer = '127.0.0.1:50000';
    this.#stream = new DiscoveryStream({ call, variant, service: 'ads', cache, logger, peer, secrets, now: () => 0 });
    this.#unwatch = cache.watch(() => this.#stream.send());
  }

  send(request: Request): void {
    this.#requests.push(request);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
  }

  close(): void {
    this.writableEnded = true;
    this.#unwatch();
  }

  write(response: Response, flushed: () => void): boolean {
    this.#responses.push(response);
    this.#flushed = flushed;
    return false;
  }

  emit(): boolean {
    return true;
  }

  end(): void {}

  open(): void {
    this.handlers.onOpen();
  }

  /** The server reads the next request. */
  moveRequest(): boolean {
    const request = this.#requests.shift();
    if (request !== undefined && !this.writableEnded) this.#stream.receive(request);
    return request !== undefined;
  }

  /** The client reads the next response. */
  moveResponse(): boolean {
    const response = this.#isPaused ? undefined : this.#responses.shift();
    if (response === undefined || this.writableEnded) return false;
    this.handlers.onResponse(response);
    this.#flushed?.();
    return true;
  }

  breakOff(): void {
    if (!this.writableEnded) this.handlers.onClose('gone');
  }
}

/** The connections of one client, the newest last. */
export class InProcessConnections<Request, Response> {
  #current: InProcessConnection<Request, Response> | undefined;

  constructor(
    private readonly variant: Variant<Request, Response>,
    private readonly cache: SnapshotCache,
  ) {}

  readonly connect: Connect<Request, Response> = (handlers) => {
    this.#current = new InProcessConnection(handlers, this.variant, this.cache);
    return this.#current;
  };

  get current(): InProcessConnection<Request, Response> {
    return this.#current!;
  }
}
