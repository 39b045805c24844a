import type {
  DeltaDiscoveryRequest,
  DeltaDiscoveryResponse,
  DiscoveryRequest,
  DiscoveryResponse,
} from '../messages.js';

/** One ADS stream on a connection of its own; of the state of the world, unless it says otherwise. */
export interface AdsConnection<Request = DiscoveryRequest> {
  send(request: Request): void;
  /** No response is delivered until `resume`; the server is slowed down by flow control. */
  pause(): void;
  resume(): void;
  /** Ends it without a word to the handlers. */
  close(): void;
}

export interface ConnectionHandlers<Response = DiscoveryResponse> {
  /** The server can be reached; nothing is sent before. */
  onOpen(): void;
  onResponse(response: Response): void;
  /** Once, and nothing after it. `isUnimplemented` when the server does not know this variant of the protocol. */
  onClose(reason: string, isUnimplemented?: boolean): void;
}

/** Begins to connect; the handlers are never called before it returns. */
export type Connect<Request = DiscoveryRequest, Response = DiscoveryResponse> = (
  handlers: ConnectionHandlers<Response>,
) => AdsConnection<Request>;

export type ConnectIncrementally = Connect<DeltaDiscoveryRequest, DeltaDiscoveryResponse>;
