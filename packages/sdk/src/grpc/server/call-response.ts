import type { Metadata } from '@grpc/grpc-js';
import type { GrpcJs, ServerCallBelow, ServerStatus } from '../grpc-js.js';
import { addHeader } from '../metadata.js';

/** What goes out of an incoming call: its handler's response, or the mesh's in its place. */
export class CallResponse {
  /** Once headers are out, the response is more than a status. */
  headersSent = false;
  /** The gRPC status that ended the call; undefined until then, and where the client had left before. */
  status: number | undefined = undefined;
  #closed = false;
  /** What the mesh adds to the first thing that goes out. */
  #added: Metadata | undefined;
  readonly #send: ServerCallBelow['sendStatus'];

  constructor(
    private readonly below: ServerCallBelow,
    private readonly grpc: GrpcJs,
    /** Told of a status that grpc-js ends the call with by itself. */
    onEndedBelow: (status: ServerStatus) => void,
  ) {
    this.#send = below.sendStatus;
    // grpc-js answers some calls by itself (a late one, a message that is too long) and tells interceptors the end alone.
    below.sendStatus = (status) => {
      const isFirst = this.status === undefined;
      this.status ??= status.code;
      this.#send.call(below, status);
      if (isFirst) onEndedBelow(status);
    };
  }

  get isOver(): boolean {
    return this.#closed || this.status !== undefined;
  }

  /** Adds to the headers, or to the trailers when those are what is left. */
  addHeader(name: string, value: string): void {
    this.#added ??= new this.grpc.Metadata();
    addHeader(this.#added, name, value);
  }

  sendMetadata(metadata: Metadata): void {
    if (this.isOver) return;
    this.headersSent = true;
    this.below.sendMetadata(this.#withAdded(metadata));
  }

  sendMessage(message: unknown, callback: () => void): void {
    if (!this.isOver) this.below.sendMessage(message, callback);
  }

  sendStatus(status: ServerStatus): void {
    if (this.isOver) return;
    this.status = status.code;
    this.#send.call(this.below, this.#added === undefined ? status : this.#withTrailers(status));
  }

  /** The connection is done with the call: nothing can be sent any more. */
  close(): void {
    this.#closed = true;
  }

  #withTrailers(status: ServerStatus): ServerStatus {
    return { ...status, metadata: this.#withAdded(status.metadata ?? new this.grpc.Metadata()) };
  }

  /** The handler keeps its own object. */
  #withAdded(metadata: Metadata): Metadata {
    if (this.#added === undefined) return metadata;
    const all = metadata.clone();
    all.merge(this.#added);
    this.#added = undefined;
    return all;
  }
}
