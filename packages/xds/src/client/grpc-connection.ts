import {
  type ChannelCredentials,
  Client,
  type ClientDuplexStream,
  type ClientOptions,
  connectivityState,
  type MethodDefinition,
  type StatusObject,
  status as statusCodes,
} from '@grpc/grpc-js';
import type { AdsConnection, Connect, ConnectionHandlers } from './connection.js';

export interface GrpcConnectionOptions {
  /** `host:port`. */
  readonly serverUri: string;
  /** Called for each connection; what it throws is why there is none. */
  readonly credentials: () => ChannelCredentials;
  /** A larger response ends the stream before it is buffered. */
  readonly maxReceiveMessageBytes: number;
  /**
   * No pings: the kernel knows when the other end of a local socket is gone, and servers of gRPC-Go that nobody has told
   * otherwise end a connection that is pinged more often than every 5 minutes. Default false.
   */
  readonly isLocal?: boolean;
}

/** A connection without an answer to a ping for this long is given up; together, with what a busy process loses, a dead one is seen within 15 s. */
const keepalive = { 'grpc.keepalive_time_ms': 9_000, 'grpc.keepalive_timeout_ms': 4_000 } as const;

/**
 * Connects anew for every stream, on a subchannel that is not shared: grpc-js has a back-off of its own for a channel that
 * lost its connection, and two of them would add up.
 */
export function grpcConnector<Request, Response>(
  options: GrpcConnectionOptions,
  method: MethodDefinition<Request, Response>,
): Connect<Request, Response> {
  const channelOptions: ClientOptions = {
    ...(options.isLocal ? {} : keepalive),
    'grpc.use_local_subchannel_pool': 1,
    'grpc.service_config_disable_resolution': 1,
    'grpc.enable_retries': 0,
    'grpc.max_receive_message_length': options.maxReceiveMessageBytes,
    'grpc.max_send_message_length': -1,
  };
  return (handlers) => {
    let client: Client;
    try {
      client = new Client(options.serverUri, options.credentials(), channelOptions);
    } catch (error) {
      return failedConnection((error as Error).message, handlers);
    }
    return new GrpcConnection(client, method, handlers);
  };
}

function failedConnection<Request, Response>(
  reason: string,
  handlers: ConnectionHandlers<Response>,
): AdsConnection<Request> {
  const fail = setImmediate(() => handlers.onClose(reason));
  const nothing = () => {};
  return { send: nothing, pause: nothing, resume: nothing, close: () => clearImmediate(fail) };
}

/** grpc-js ends what it says of a lost connection with the label of a note, also where there is none. */
function proofHint(code: number): string {
  if (code !== statusCodes.UNAUTHENTICATED) return '';
  return '; the server wants proof of who asks: tls://HOST:PORT, and an identity of a certificate that it trusts';
}

function withoutEmptyNote(details: string): string {
  return details.replace(/\.? Resolution note: *$/, '');
}

class GrpcConnection<Request, Response> implements AdsConnection<Request> {
  readonly #call: ClientDuplexStream<Request, Response>;
  #isClosed = false;

  constructor(
    private readonly client: Client,
    { path, requestSerialize, responseDeserialize }: MethodDefinition<Request, Response>,
    private readonly handlers: ConnectionHandlers<Response>,
  ) {
    this.#call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    this.#call.on('data', (response: Response) => {
      if (!this.#isClosed) handlers.onResponse(response);
    });
    // What went wrong comes with the status too; without a listener it would be thrown.
    this.#call.on('error', () => {});
    this.#call.on('status', (status: StatusObject) => this.#onStatus(status));
    this.#watchChannel();
  }

  send(request: Request): void {
    if (!this.#isClosed) this.#call.write(request);
  }

  pause(): void {
    this.#call.pause();
  }

  resume(): void {
    if (!this.#isClosed) this.#call.resume();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#call.cancel();
    this.client.close();
  }

  #onStatus({ code, details }: StatusObject): void {
    if (this.#isClosed) return;
    this.close();
    const reason =
      code === statusCodes.OK
        ? 'the server ended the stream'
        : `${statusCodes[code]}: ${withoutEmptyNote(details)}${proofHint(code)}`;
    this.handlers.onClose(reason, code === statusCodes.UNIMPLEMENTED);
  }

  /** The call begins before the channel stands, so it says why that failed, if it does. */
  #watchChannel(): void {
    const channel = this.client.getChannel();
    const check = () => {
      if (this.#isClosed) return;
      const state = channel.getConnectivityState(true);
      if (state === connectivityState.READY) this.handlers.onOpen();
      else channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, check);
    };
    setImmediate(check);
  }
}
