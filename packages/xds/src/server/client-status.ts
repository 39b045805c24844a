/** What the server knows of one stream of a client. */
export interface ClientStatus {
  /** Empty when the client did not say. */
  readonly nodeId: string;
  readonly nodeCluster: string;
  /** On the scale of the server's `now`. */
  readonly connectedAtMs: number;
  /** One for each type that was asked for. */
  readonly types: readonly TypeStatus[];
}

export interface TypeStatus {
  readonly typeUrl: string;
  /** `all`, or the names in the order they were given. */
  readonly subscribed: 'all' | readonly string[];
  /** Empty when nothing was sent or acknowledged on this stream. */
  readonly sentVersion: string;
  readonly ackedVersion: string;
  /** The refusal of the last response; undefined when it was accepted or is not answered yet. */
  readonly nack: Nack | undefined;
}

export interface Nack {
  readonly version: string;
  readonly message: string;
  readonly atMs: number;
}
