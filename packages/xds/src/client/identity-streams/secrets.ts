import { create } from '@bufbuild/protobuf';
import { type ChannelCredentials, credentials, status } from '@grpc/grpc-js';
import { singleTypeServices } from '../../grpc/single-type-services.js';
import { DiscoveryRequestSchema, type DiscoveryResponse } from '../../messages.js';
import { typeUrls } from '../../resources/type-urls.js';
import { bearerMetadata } from '../bearer.js';
import type { AdsConnection } from '../connection.js';
import { grpcConnector } from '../grpc-connection.js';
import { type NodeIdentity, nodeMessage } from '../node.js';
import { type ReceivedSecret, readSecret } from './read-secret.js';
import type { IdentityStream, IdentityStreamHandlers } from './stream-end.js';

export interface SecretServer {
  /** Of gRPC: `unix:/path`, or `host:port` with `tls`. */
  readonly target: string;
  /** Undefined: in the clear, which is for sockets alone. */
  readonly tls?: {
    /** PEM; one of them must have signed the server's certificate. */
    readonly roots: string;
    /** A bearer token; undefined: none is shown. */
    readonly token: string | undefined;
  };
  /** In the place of `tls`, where whoever asks knows better. */
  readonly credentials?: () => ChannelCredentials;
  /** Of the secrets that are asked for. */
  readonly names: readonly string[];
  readonly node: NodeIdentity;
}

export type ReceivedSecrets = ReadonlyMap<string, ReceivedSecret>;

const maxMessageBytes = 8 * 1024 * 1024;

/**
 * Secrets by SDS, of the state of the world. Servers may send one secret at a time, so a message is all that has come on
 * this stream; a response that is not taken is refused (NACK), with the reason, and what it held stays beside what comes next.
 * @param server asked anew for each stream; what it throws ends the stream
 */
export function streamSecrets(
  server: () => SecretServer,
  handlers: IdentityStreamHandlers<ReceivedSecrets>,
): IdentityStream {
  let options: SecretServer;
  try {
    options = server();
  } catch (error) {
    const failed = setImmediate(() => handlers.onEnd({ kind: 'lost', reason: (error as Error).message }));
    return { close: () => clearImmediate(failed) };
  }
  return new SecretStream(options, handlers);
}

class SecretStream implements IdentityStream {
  readonly #connection: AdsConnection;
  readonly #secrets = new Map<string, ReceivedSecret>();
  #acceptedVersion = '';

  constructor(
    private readonly server: SecretServer,
    private readonly handlers: IdentityStreamHandlers<ReceivedSecrets>,
  ) {
    const connect = grpcConnector(
      {
        serverUri: server.target,
        credentials: server.credentials ?? (() => credentialsOf(server)),
        maxReceiveMessageBytes: maxMessageBytes,
        isLocal: server.tls === undefined,
      },
      singleTypeServices.secret.stream,
    );
    this.#connection = connect({
      onOpen: () => this.#send(),
      onResponse: (response) => this.#answer(response),
      onClose: (reason, isUnimplemented) => handlers.onEnd({ kind: isUnimplemented ? 'rejected' : 'lost', reason }),
    });
  }

  close(): void {
    this.#connection.close();
  }

  #answer(response: DiscoveryResponse): void {
    const refusal = this.handlers.onMessage(() => this.#read(response));
    if (refusal === undefined) this.#acceptedVersion = response.versionInfo;
    this.#send(response.nonce, refusal);
  }

  #read({ resources }: DiscoveryResponse): ReceivedSecrets {
    for (const resource of resources) {
      const { name, secret } = readSecret(resource);
      if (this.server.names.includes(name)) this.#secrets.set(name, secret);
    }
    return this.#secrets;
  }

  #send(responseNonce = '', refusal?: string): void {
    const { names, node } = this.server;
    const request = create(DiscoveryRequestSchema, {
      ...{ versionInfo: this.#acceptedVersion, responseNonce, resourceNames: [...names], typeUrl: typeUrls.secret },
      node: nodeMessage(node),
    });
    if (refusal !== undefined) {
      request.errorDetail = {
        $typeName: 'google.rpc.Status',
        code: status.INVALID_ARGUMENT,
        message: refusal,
        details: [],
      };
    }
    this.#connection.send(request);
  }
}

function credentialsOf({ target, tls }: SecretServer): ChannelCredentials {
  if (tls === undefined) {
    if (!target.startsWith('unix:')) throw new Error(`${target} would send keys in the clear: give the roots for TLS`);
    return credentials.createInsecure();
  }
  const channel = credentials.createSsl(Buffer.from(tls.roots));
  const { token } = tls;
  if (token === undefined) return channel;
  const metadata = bearerMetadata(token);
  const bearer = credentials.createFromMetadataGenerator((_call, give) => give(null, metadata.clone()));
  return credentials.combineChannelCredentials(channel, bearer);
}
