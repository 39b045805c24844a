export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface TransportRequest {
  readonly method: Method;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** A watch: it gets a connection of its own and may last. */
  readonly isStream: boolean;
  /** It may take a minute: it waits for other lists, and nothing else waits for it. */
  readonly isList?: boolean | undefined;
  readonly signal: AbortSignal;
}

export interface TransportAnswer {
  readonly status: number;
  /** Seconds. */
  readonly retryAfter: string | undefined;
  /** Nothing is read that is not asked for; leaving the loop ends the request. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** What stands between the client and the wire, and what tests replace. */
export interface Transport {
  /** @throws Error when there is no answer; its message shows nothing of the credentials */
  send(request: TransportRequest): Promise<TransportAnswer>;
  /** The credentials were refused: the next request is to read them anew. */
  forgetCredentials(): void;
  close(): Promise<void>;
}
