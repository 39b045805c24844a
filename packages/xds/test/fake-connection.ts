import type { AdsConnection, Connect, ConnectionHandlers } from '../src/client/connection.js';
import type { DiscoveryRequest } from '../src/messages.js';
import type { WireResources } from '../src/resources/resource-types.js';
import { kindOf, type ResourceKind } from '../src/resources/type-urls.js';
import { type ResponseInit, responseOf } from './responses.js';

/** A connection without a socket: the test plays the server. */
export class FakeConnection implements AdsConnection {
  readonly requests: DiscoveryRequest[] = [];
  isPaused = false;
  isClosed = false;
  #nonce = 0;

  constructor(readonly handlers: ConnectionHandlers) {}

  send(request: DiscoveryRequest): void {
    this.requests.push(request);
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  close(): void {
    this.isClosed = true;
  }

  respond<Kind extends ResourceKind>(
    kind: Kind,
    messages: readonly WireResources[Kind][],
    init: ResponseInit = {},
  ): void {
    this.#nonce += 1;
    const nonce = String(this.#nonce);
    this.handlers.onResponse(responseOf(kind, messages, { nonce, version: `v${nonce}`, ...init }));
  }

  /** The last request for a type. */
  last(kind: ResourceKind): DiscoveryRequest | undefined {
    return this.requests.findLast(({ typeUrl }) => kindOf(typeUrl) === kind);
  }
}

/** Hands out connections and keeps them, the newest last. */
export class FakeConnections {
  readonly all: FakeConnection[] = [];

  readonly connect: Connect = (handlers) => {
    const connection = new FakeConnection(handlers);
    this.all.push(connection);
    return connection;
  };

  get current(): FakeConnection {
    return this.all.at(-1)!;
  }
}
