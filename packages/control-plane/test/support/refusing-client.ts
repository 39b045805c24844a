import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Client, type ClientDuplexStream, credentials } from '@grpc/grpc-js';
import { typeUrls } from '@inmesh/xds';
import {
  type DiscoveryRequest,
  DiscoveryRequestSchema,
  type DiscoveryResponse,
  DiscoveryResponseSchema,
} from '@inmesh/xds/messages';

const path = '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources';

/** A client that refuses whatever clusters it is given. */
export class RefusingClient {
  readonly #client: Client;
  readonly #stream: ClientDuplexStream<DiscoveryRequest, DiscoveryResponse>;

  constructor(address: string, message: string) {
    this.#client = new Client(address, credentials.createInsecure());
    this.#stream = this.#client.makeBidiStreamRequest(
      path,
      (request: DiscoveryRequest) => Buffer.from(toBinary(DiscoveryRequestSchema, request)),
      (bytes) => fromBinary(DiscoveryResponseSchema, bytes),
    );
    this.#stream.on('error', () => {}); // the server goes first
    this.#stream.on('data', ({ nonce }: DiscoveryResponse) => {
      this.#write({
        responseNonce: nonce,
        errorDetail: { $typeName: 'google.rpc.Status', code: 3, message, details: [] },
      });
    });
    this.#write({});
  }

  close(): void {
    this.#stream.cancel();
    this.#client.close();
  }

  #write(request: Partial<Pick<DiscoveryRequest, 'responseNonce' | 'errorDetail'>>): void {
    this.#stream.write(
      create(DiscoveryRequestSchema, { typeUrl: typeUrls.cluster, node: { id: 'refusing' }, ...request }),
    );
  }
}
