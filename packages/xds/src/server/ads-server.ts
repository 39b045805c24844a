import { Metadata, type Server, type ServerDuplexStream } from '@grpc/grpc-js';
import { adsService } from '../grpc/ads-service.js';
import type { Logger } from '../logger.js';
import type { DiscoveryRequest, DiscoveryResponse } from '../messages.js';
import { AdsStream } from './ads-stream.js';
import type { ClientStatus } from './client-status.js';
import type { SnapshotSource } from './snapshot-cache.js';

export interface AdsServerOptions {
  readonly cache: SnapshotSource;
  readonly logger: Logger;
  /** Milliseconds, for `status()`. Default: the wall clock. */
  readonly now?: () => number;
}

/** Serves snapshots as Envoy's AggregatedDiscoveryService, state of the world, on a gRPC server of the caller. */
export class AdsServer {
  readonly #options: AdsServerOptions;
  readonly #streams = new Set<AdsStream>();
  readonly #unwatch: () => void;
  #isClosed = false;

  constructor(options: AdsServerOptions) {
    this.#options = options;
    this.#unwatch = options.cache.watch(() => {
      for (const stream of this.#streams) stream.send();
    });
  }

  addTo(server: Pick<Server, 'addService'>): void {
    server.addService(adsService, {
      streamAggregatedResources: (call: ServerDuplexStream<DiscoveryRequest, DiscoveryResponse>) => this.#open(call),
    });
  }

  /** One entry for each open stream. */
  status(): ClientStatus[] {
    return [...this.#streams].map((stream) => stream.status);
  }

  /** Ends all streams, and every later one at once. The gRPC server is left to its owner. */
  close(): void {
    this.#isClosed = true;
    this.#unwatch();
    for (const stream of this.#streams) stream.end();
    this.#streams.clear();
  }

  #open(call: ServerDuplexStream<DiscoveryRequest, DiscoveryResponse>): void {
    if (this.#isClosed) {
      call.end();
      return;
    }
    const { cache, logger, now = Date.now } = this.#options;
    const stream = new AdsStream(call, cache, logger, now);
    this.#streams.add(stream);
    const forget = () => this.#streams.delete(stream);
    call.on('data', (request: DiscoveryRequest) => stream.receive(request));
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
}
