import type { Any } from '@bufbuild/protobuf/wkt';
import type { ServedKind } from '../resources/type-urls.js';

/** What the server knows of one stream of a client. */
export interface ClientStatus {
  /** Empty when the client did not say. */
  readonly nodeId: string;
  readonly nodeCluster: string;
  /** Where the stream comes from, `address:port`: processes outside Kubernetes may have the same node id. */
  readonly peer: string;
  /** On the scale of the server's `now`. */
  readonly connectedAtMs: number;
  /** How the client asks: every type on one stream, or one type. */
  readonly service: 'ads' | ServedKind;
  readonly variant: 'state of the world' | 'incremental';
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

/** One resource that a client has subscribed to. */
export interface ResourceStatus {
  readonly typeUrl: string;
  readonly name: string;
  /** Of the newest snapshot; empty when it does not have the resource. */
  readonly version: string;
  readonly any: Any | undefined;
  /** What the client said to this version: `none` when it was sent and is not answered yet. */
  readonly state: 'not sent' | 'none' | 'accepted' | 'refused';
  readonly nack?: Nack | undefined;
}
