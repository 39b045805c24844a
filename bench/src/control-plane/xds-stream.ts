import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Client, type ClientDuplexStream, credentials } from '@grpc/grpc-js';
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
} from '@inmesh/xds/messages';

const path = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources';
const typeUrls = {
  cluster: 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  endpoint: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
  listener: 'type.googleapis.com/envoy.config.listener.v3.Listener',
  route: 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
};

export type Kind = keyof typeof typeUrls;
export type Names = Readonly<Record<Kind, readonly string[]>>;

/** An incremental client on a connection of its own, which takes whatever it is told. */
export class XdsStream {
  readonly #stream: ClientDuplexStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse>;
  readonly #missing = new Set<string>();
  #allThere: () => void = () => {};
  /** Called with each name that is told again. */
  onTold: (kind: Kind, name: string) => void = () => {};

  constructor(address: string, id: string, names: Names) {
    const client = new Client(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
    this.#stream = client.makeBidiStreamRequest(
      path,
      (request: DeltaDiscoveryRequest) => Buffer.from(toBinary(DeltaDiscoveryRequestSchema, request)),
      (bytes) => fromBinary(DeltaDiscoveryResponseSchema, bytes),
    );
    this.#stream.on('data', (response: DeltaDiscoveryResponse) => this.#take(response));
    for (const kind of Object.keys(typeUrls) as Kind[]) {
      for (const name of names[kind]) this.#missing.add(`${kind} ${name}`);
      const subscription = { typeUrl: typeUrls[kind], resourceNamesSubscribe: [...names[kind]], node: { id } };
      this.#stream.write(create(DeltaDiscoveryRequestSchema, subscription));
    }
  }

  /** Resolves when all that was subscribed is there. */
  get complete(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#allThere = resolve;
      this.#stream.once('error', reject);
      if (this.#missing.size === 0) resolve();
    });
  }

  #take({ typeUrl, nonce, resources }: DeltaDiscoveryResponse): void {
    this.#stream.write(create(DeltaDiscoveryRequestSchema, { typeUrl, responseNonce: nonce }));
    const kind = (Object.keys(typeUrls) as Kind[]).find((known) => typeUrls[known] === typeUrl);
    if (kind === undefined) return;
    for (const { name } of resources) {
      this.onTold(kind, name);
      if (this.#missing.delete(`${kind} ${name}`) && this.#missing.size === 0) this.#allThere();
    }
  }
}
