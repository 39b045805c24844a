import {
  create,
  type DescMethodBiDiStreaming,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { Client, type ClientDuplexStream, credentials, Metadata } from '@grpc/grpc-js';

type Method = DescMethodBiDiStreaming;

/** How the TLS port is spoken to. */
export interface Proof {
  /** PEM. */
  readonly roots: readonly string[];
  readonly token: string;
}

/** A stream of any method of the xDS port, or with a proof of the TLS port, and all that came on it. */
export class PeerStream<Of extends Method> {
  readonly received: MessageShape<Of['output']>[] = [];
  readonly #client: Client;
  readonly #stream: ClientDuplexStream<MessageShape<Of['input']>, MessageShape<Of['output']>>;

  constructor(
    address: string,
    private readonly method: Of,
    proof?: Proof,
  ) {
    const channel =
      proof === undefined ? credentials.createInsecure() : credentials.createSsl(Buffer.from(proof.roots.join('')));
    const metadata = new Metadata();
    if (proof !== undefined) metadata.set('authorization', `Bearer ${proof.token}`);
    this.#client = new Client(address, channel, { 'grpc.use_local_subchannel_pool': 1 });
    this.#stream = this.#client.makeBidiStreamRequest(
      `/${method.parent.typeName}/${method.name}`,
      (request: MessageShape<Of['input']>) => Buffer.from(toBinary(method.input as Of['input'], request)),
      (bytes) => fromBinary(method.output as Of['output'], bytes),
      metadata,
    );
    this.#stream.on('error', () => {}); // the server goes first
    this.#stream.on('data', (response: MessageShape<Of['output']>) => this.received.push(response));
  }

  send(request: MessageInitShape<Of['input']>): void {
    this.#stream.write(create(this.method.input as Of['input'], request));
  }

  close(): void {
    this.#stream.cancel();
    this.#client.close();
  }
}
