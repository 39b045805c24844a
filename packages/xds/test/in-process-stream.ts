import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  type DiscoveryRequest,
  DiscoveryRequestSchema,
  type DiscoveryResponse,
} from '../src/messages.js';
import { type ServedKind, servedKindOf, typeUrls } from '../src/resources/type-urls.js';
import { DiscoveryStream, type DiscoveryStreamOptions } from '../src/server/discovery-stream.js';
import { PrivateSecrets } from '../src/server/private-secrets.js';
import type { SnapshotCache } from '../src/server/snapshot-cache.js';
import { incremental, stateOfTheWorld } from '../src/server/variant.js';
import { RecordingLogger } from './logger.js';

type Options<Request, Response> = Partial<DiscoveryStreamOptions<Request, Response>>;

/** A call without a socket, which keeps what is written and takes it at once unless it is told to be slow. */
class FakeCall<Response> {
  readonly cancelled = false;
  readonly writableEnded = false;
  readonly written: Response[] = [];
  readonly errors: object[] = [];
  isSlow = false;
  #flush: (() => void) | undefined;

  write(response: Response, flushed: () => void): boolean {
    if (this.#flush !== undefined) throw new Error('a response was written before the one before had left');
    this.written.push(response);
    if (this.isSlow) this.#flush = flushed;
    else flushed();
    return !this.isSlow;
  }

  flush(): void {
    const flush = this.#flush;
    this.#flush = undefined;
    flush?.();
  }

  end(): void {}

  emit(_event: string, error: object): boolean {
    this.errors.push(error);
    return true;
  }
}

abstract class InProcessStream<Request, Response> {
  readonly call = new FakeCall<Response>();
  readonly logger = new RecordingLogger();
  readonly stream: DiscoveryStream<Request, Response>;
  readonly #unwatch: () => void;
  #taken = 0;

  constructor(
    cache: SnapshotCache,
    options: Options<Request, Response> & Pick<DiscoveryStreamOptions<Request, Response>, 'variant'>,
  ) {
    const call = this.call as unknown as DiscoveryStreamOptions<Request, Response>['call'];
    this.stream = new DiscoveryStream({
      call,
      service: 'ads',
      cache,
      logger: this.logger,
      peer: '127.0.0.1:50000',
      secrets: new PrivateSecrets(this.logger),
      now: () => 1000,
      ...options,
    });
    this.#unwatch = cache.watch(() => this.stream.send());
  }

  /** What was written since the last time. */
  take(): Response[] {
    const taken = this.call.written.slice(this.#taken);
    this.#taken = this.call.written.length;
    return taken;
  }

  close(): void {
    this.#unwatch();
  }
}

type Init<Schema extends typeof DiscoveryRequestSchema | typeof DeltaDiscoveryRequestSchema> = Exclude<
  MessageInitShape<Schema>,
  DiscoveryRequest | DeltaDiscoveryRequest
>;

/** A state-of-the-world client that does only what a test tells it. */
export class WorldStream extends InProcessStream<DiscoveryRequest, DiscoveryResponse> {
  constructor(cache: SnapshotCache, options: Options<DiscoveryRequest, DiscoveryResponse> = {}) {
    super(cache, { variant: stateOfTheWorld, ...options });
  }

  request(kind: ServedKind, names: string[] = [], init: Init<typeof DiscoveryRequestSchema> = {}): void {
    this.stream.receive(create(DiscoveryRequestSchema, { typeUrl: typeUrls[kind], resourceNames: names, ...init }));
  }
}

export interface DeltaSummary {
  readonly kind: ServedKind;
  readonly names: string[];
  readonly removed: string[];
}

/** An incremental client that does only what a test tells it. */
export class DeltaStream extends InProcessStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse> {
  constructor(cache: SnapshotCache, options: Options<DeltaDiscoveryRequest, DeltaDiscoveryResponse> = {}) {
    super(cache, { variant: incremental, ...options });
  }

  request(kind: ServedKind, init: Init<typeof DeltaDiscoveryRequestSchema> = {}): void {
    this.stream.receive(create(DeltaDiscoveryRequestSchema, { typeUrl: typeUrls[kind], ...init }));
  }

  subscribe(kind: ServedKind, ...names: string[]): void {
    this.request(kind, { resourceNamesSubscribe: names });
  }

  unsubscribe(kind: ServedKind, ...names: string[]): void {
    this.request(kind, { resourceNamesUnsubscribe: names });
  }

  /** What was written since the last time, in short. */
  news(): DeltaSummary[] {
    return this.take().map(({ typeUrl, resources, removedResources }) => ({
      kind: servedKindOf(typeUrl)!,
      names: resources.map(({ name }) => name).sort(),
      removed: [...removedResources].sort(),
    }));
  }
}
