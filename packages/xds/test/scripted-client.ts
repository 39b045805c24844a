import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { Client, type ClientDuplexStream, credentials, type StatusObject } from '@grpc/grpc-js';
import { adsService } from '../src/grpc/ads-service.js';
import { type DiscoveryRequest, DiscoveryRequestSchema, type DiscoveryResponse } from '../src/messages.js';
import { decodeAny } from '../src/resources/decode-any.js';
import { kindOf, type ResourceKind, typeUrls } from '../src/resources/type-urls.js';
import { Inbox } from './inbox.js';

type RequestInit = Exclude<MessageInitShape<typeof DiscoveryRequestSchema>, DiscoveryRequest>;

/** A client that does only what a test tells it, over a real socket. */
export class ScriptedClient {
  readonly #client: Client;
  readonly #call: ClientDuplexStream<DiscoveryRequest, DiscoveryResponse>;
  readonly #responses = new Inbox<DiscoveryResponse>();
  /** How the stream ended. */
  readonly status: Promise<StatusObject>;

  constructor(address: string) {
    this.#client = new Client(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
    const { path, requestSerialize, responseDeserialize } = adsService.streamAggregatedResources;
    this.#call = this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    this.#call.on('data', (response: DiscoveryResponse) => this.#responses.put(response));
    this.#call.on('error', () => {});
    this.status = new Promise((resolve) => this.#call.on('status', resolve));
  }

  request(kind: ResourceKind, resourceNames: string[] = [], init: RequestInit = {}): void {
    this.send({ typeUrl: typeUrls[kind], resourceNames, node: { id: 'node-1', cluster: 'tests' }, ...init });
  }

  send(init: RequestInit): void {
    this.#call.write(create(DiscoveryRequestSchema, init));
  }

  async next(): Promise<Summary> {
    return summarize(await this.#responses.next());
  }

  /** Accepts, and subscribes to the names given from now on. */
  ack({ kind, nonce, version }: Summary, resourceNames: string[] = []): void {
    this.request(kind, resourceNames, { responseNonce: nonce, versionInfo: version });
  }

  nack({ kind, nonce }: Summary, message: string, resourceNames: string[] = [], goodVersion = ''): void {
    this.request(kind, resourceNames, {
      responseNonce: nonce,
      versionInfo: goodVersion,
      errorDetail: { code: 3, message },
    });
  }

  close(): void {
    this.#call.cancel();
    this.#client.close();
  }
}

export interface Summary {
  readonly kind: ResourceKind;
  readonly names: string[];
  readonly version: string;
  readonly nonce: string;
}

function summarize({ typeUrl, resources, versionInfo: version, nonce }: DiscoveryResponse): Summary {
  const names = resources.map(({ value }) => decodeAny(typeUrl, value).name).sort();
  return { kind: kindOf(typeUrl)!, names, version, nonce };
}
