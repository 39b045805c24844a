import type { DiscoveryRequest, DiscoveryResponse } from '../messages.js';

/** One ADS stream on a connection of its own. */
export interface AdsConnection {
  send(request: DiscoveryRequest): void;
  /** No response is delivered until `resume`; the server is slowed down by flow control. */
  pause(): void;
  resume(): void;
  /** Ends it without a word to the handlers. */
  close(): void;
}

export interface ConnectionHandlers {
  /** The server can be reached; nothing is sent before. */
  onOpen(): void;
  onResponse(response: DiscoveryResponse): void;
  /** Once, and nothing after it. */
  onClose(reason: string): void;
}

/** Begins to connect; the handlers are never called before it returns. */
export type Connect = (handlers: ConnectionHandlers) => AdsConnection;
