import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { Client, type ClientDuplexStream, credentials } from '@grpc/grpc-js';
import {
  type LoadStatsRequest,
  LoadStatsRequestSchema,
  type LoadStatsResponse,
  LoadStatsResponseSchema,
} from '@inmesh/xds/messages';

const path = '/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats';

/** A client that reports what it is told to. */
export class LoadReportingClient {
  readonly #client: Client;
  readonly #stream: ClientDuplexStream<LoadStatsRequest, LoadStatsResponse>;

  constructor(address: string) {
    this.#client = new Client(address, credentials.createInsecure());
    this.#stream = this.#client.makeBidiStreamRequest(
      path,
      (request: LoadStatsRequest) => Buffer.from(toBinary(LoadStatsRequestSchema, request)),
      (bytes) => fromBinary(LoadStatsResponseSchema, bytes),
    );
    this.#stream.on('error', () => {}); // the server goes first
    this.#stream.resume();
  }

  report(request: MessageInitShape<typeof LoadStatsRequestSchema>): void {
    this.#stream.write(create(LoadStatsRequestSchema, request));
  }

  close(): void {
    this.#stream.cancel();
    this.#client.close();
  }
}
