import type { Server, ServerCredentials, ServerDuplexStream } from '@grpc/grpc-js';
import { adsService } from '../src/grpc/ads-service.js';
import type { DiscoveryRequest, DiscoveryResponse } from '../src/messages.js';
import type { WireResources } from '../src/resources/resource-types.js';
import { type ResourceKind, typeUrls } from '../src/resources/type-urls.js';
import { type RunningServer, startGrpcServer } from './grpc-server.js';
import { Inbox } from './inbox.js';
import { type ResponseInit, responseOf } from './responses.js';

/** A config server that does only what a test tells it, over a real socket. */
export class ScriptedServer {
  readonly streams = new Inbox<ScriptedStream>();
  #server: RunningServer | undefined;

  /** On a port of its own and in the clear, unless told otherwise. */
  async start(port?: number, credentials?: ServerCredentials): Promise<string> {
    const add = (grpc: Server) => {
      grpc.addService(adsService, {
        streamAggregatedResources: (call: ServerDuplexStream<DiscoveryRequest, DiscoveryResponse>) =>
          this.streams.put(new ScriptedStream(call)),
      });
    };
    this.#server = await startGrpcServer(add, port, credentials);
    return this.#server.address;
  }

  kill(): void {
    this.#server?.kill();
  }
}

export class ScriptedStream {
  readonly #requests = new Inbox<DiscoveryRequest>();
  /** Whether the client has gone. */
  readonly ended: Promise<void>;

  constructor(private readonly call: ServerDuplexStream<DiscoveryRequest, DiscoveryResponse>) {
    call.on('data', (request: DiscoveryRequest) => this.#requests.put(request));
    call.on('error', () => {});
    this.ended = new Promise((resolve) => call.on('cancelled', resolve));
  }

  next(): Promise<DiscoveryRequest> {
    return this.#requests.next();
  }

  /** Skips requests for other types. */
  nextOf(kind: ResourceKind): Promise<DiscoveryRequest> {
    return this.#requests.nextThat(({ typeUrl }) => typeUrl === typeUrls[kind]);
  }

  respond<Kind extends ResourceKind>(kind: Kind, messages: readonly WireResources[Kind][], init?: ResponseInit): void {
    this.call.write(responseOf(kind, messages, init));
  }

  end(): void {
    this.call.end();
  }
}
