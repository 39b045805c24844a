import { create } from '@bufbuild/protobuf';
import type { AdsConnection, ConnectIncrementally, ConnectionHandlers } from '../src/client/connection.js';
import {
  type DeltaDiscoveryRequest,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
} from '../src/messages.js';
import { resourceTypes, type WireResources } from '../src/resources/resource-types.js';
import { kindOf, type ResourceKind, typeUrls } from '../src/resources/type-urls.js';
import { rawAny } from './responses.js';

/** An incremental connection without a socket: the test plays the server. */
export class FakeDeltaConnection implements AdsConnection<DeltaDiscoveryRequest> {
  readonly requests: DeltaDiscoveryRequest[] = [];
  isClosed = false;
  #nonce = 0;

  constructor(readonly handlers: ConnectionHandlers<DeltaDiscoveryResponse>) {}

  send(request: DeltaDiscoveryRequest): void {
    this.requests.push(request);
  }

  pause(): void {}

  resume(): void {}

  close(): void {
    this.isClosed = true;
  }

  /** Every resource has the version `v`, followed by the number of the response. */
  respond<Kind extends ResourceKind>(
    kind: Kind,
    messages: readonly WireResources[Kind][],
    removedResources: string[] = [],
  ): void {
    this.#nonce += 1;
    const version = `v${this.#nonce}`;
    const resources = messages.map((message) => ({
      name: resourceTypes[kind].nameOf(message),
      version,
      resource: rawAny(kind, resourceTypes[kind].write(message)),
    }));
    this.respondRaw({ typeUrl: typeUrls[kind], nonce: String(this.#nonce), resources, removedResources });
  }

  respondRaw(init: Parameters<typeof create<typeof DeltaDiscoveryResponseSchema>>[1]): void {
    this.handlers.onResponse(create(DeltaDiscoveryResponseSchema, init));
  }

  /** The requests for a type since the last time. */
  take(kind: ResourceKind): DeltaDiscoveryRequest[] {
    const taken = this.requests.filter(({ typeUrl }) => kindOf(typeUrl) === kind);
    const rest = this.requests.filter(({ typeUrl }) => kindOf(typeUrl) !== kind);
    this.requests.splice(0, this.requests.length, ...rest);
    return taken;
  }
}

/** Hands out connections and keeps them, the newest last. */
export class FakeDeltaConnections {
  readonly all: FakeDeltaConnection[] = [];

  readonly connect: ConnectIncrementally = (handlers) => {
    const connection = new FakeDeltaConnection(handlers);
    this.all.push(connection);
    return connection;
  };

  get current(): FakeDeltaConnection {
    return this.all.at(-1)!;
  }
}
