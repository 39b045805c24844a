import { Client, type ClientDuplexStream, credentials, type MethodDefinition, type StatusObject } from '@grpc/grpc-js';
import { Inbox } from './inbox.js';

/** A gRPC client of any method, over a real socket. */
export class Peer {
  readonly #client: Client;

  constructor(address: string) {
    this.#client = new Client(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
  }

  open<Request, Response>(method: MethodDefinition<Request, Response>): PeerStream<Request, Response> {
    const { path, requestSerialize, responseDeserialize } = method;
    return new PeerStream(this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize));
  }

  call<Request, Response>(method: MethodDefinition<Request, Response>, request: Request): Promise<Response> {
    const { path, requestSerialize, responseDeserialize } = method;
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, response) => {
        if (error !== null) reject(error);
        else resolve(response!);
      });
    });
  }

  close(): void {
    this.#client.close();
  }
}

export class PeerStream<Request, Response> {
  readonly #responses = new Inbox<Response>();
  /** How the stream ended. */
  readonly status: Promise<StatusObject>;

  constructor(private readonly call: ClientDuplexStream<Request, Response>) {
    call.on('data', (response: Response) => this.#responses.put(response));
    call.on('error', () => {});
    this.status = new Promise((resolve) => call.on('status', resolve));
  }

  send(request: Request): void {
    this.call.write(request);
  }

  next(): Promise<Response> {
    return this.#responses.next();
  }

  /** Reads nothing more, until `resume`. */
  pause(): void {
    this.call.pause();
  }

  resume(): void {
    this.call.resume();
  }

  close(): void {
    this.call.cancel();
  }
}
