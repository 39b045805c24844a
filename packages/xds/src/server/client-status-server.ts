import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type Server, type ServerDuplexStream, type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import { clientStatusService } from '../grpc/status-services.js';
import {
  type ClientConfig,
  type ClientConfig_GenericXdsConfig,
  ClientConfig_GenericXdsConfigSchema,
  ClientConfigSchema,
  type ClientStatusRequest,
  type ClientStatusResponse,
  ClientStatusResponseSchema,
  ConfigStatus,
  type Node,
  UpdateFailureStateSchema,
} from '../messages.js';
import { formatResourceError } from '../resources/decode-result.js';
import type { ResourceStatus } from './client-status.js';
import { readNodeMatchers } from './node-matchers.js';
import { redactAny } from './redact.js';

/** Where the clients are known. */
export interface ClientSource {
  clients(): readonly { readonly node: Node | undefined; readonly resources: () => readonly ResourceStatus[] }[];
}

const configStatus: Readonly<Record<ResourceStatus['state'], ConfigStatus>> = {
  'not sent': ConfigStatus.NOT_SENT,
  none: ConfigStatus.STALE,
  accepted: ConfigStatus.SYNCED,
  refused: ConfigStatus.ERROR,
};

type Answer =
  | { readonly ok: true; readonly response: ClientStatusResponse }
  | { readonly ok: false; readonly error: { readonly code: status; readonly details: string } };

/** Serves Envoy's ClientStatusDiscoveryService: one config for each stream that a client has open. */
export class ClientStatusServer {
  constructor(private readonly source: ClientSource) {}

  addTo(server: Pick<Server, 'addService'>): void {
    server.addService(clientStatusService, {
      fetchClientStatus: (
        { request }: ServerUnaryCall<ClientStatusRequest, ClientStatusResponse>,
        respond: sendUnaryData<ClientStatusResponse>,
      ) => {
        const answer = this.#answer(request);
        if (answer.ok) respond(null, answer.response);
        else respond(answer.error);
      },
      streamClientStatus: (call: ServerDuplexStream<ClientStatusRequest, ClientStatusResponse>) => this.#stream(call),
    });
  }

  #stream(call: ServerDuplexStream<ClientStatusRequest, ClientStatusResponse>): void {
    call.on('error', () => {});
    call.on('end', () => call.end());
    call.on('data', (request: ClientStatusRequest) => {
      const answer = this.#answer(request);
      if (!answer.ok) call.emit('error', answer.error);
      else {
        // The next request is read when this answer has left.
        call.pause();
        call.write(answer.response, () => call.resume());
      }
    });
  }

  #answer({ nodeMatchers, excludeResourceContents }: ClientStatusRequest): Answer {
    const matches = readNodeMatchers(nodeMatchers);
    if (!matches.ok) {
      const details = formatResourceError({ typeUrl: '', name: 'ClientStatusRequest', errors: matches.errors });
      return { ok: false, error: { code: status.INVALID_ARGUMENT, details } };
    }
    const clients = this.source.clients().filter(({ node }) => matches.value(node));
    const config = clients.map(({ node, resources }) => configOf(node, resources(), excludeResourceContents));
    return { ok: true, response: create(ClientStatusResponseSchema, { config }) };
  }
}

function configOf(node: Node | undefined, resources: readonly ResourceStatus[], isBare: boolean): ClientConfig {
  const config = create(ClientConfigSchema, {
    genericXdsConfigs: resources.map((resource) => resourceOf(resource, isBare)),
  });
  if (node !== undefined) config.node = node;
  return config;
}

function resourceOf(resource: ResourceStatus, isBare: boolean): ClientConfig_GenericXdsConfig {
  const { typeUrl, name, version, any, state, nack } = resource;
  const config = create(ClientConfig_GenericXdsConfigSchema, {
    typeUrl,
    name,
    versionInfo: version,
    configStatus: configStatus[state],
  });
  if (any !== undefined && !isBare) config.xdsConfig = redactAny(any);
  if (nack !== undefined) {
    config.errorState = create(UpdateFailureStateSchema, {
      details: nack.message,
      versionInfo: nack.version,
      lastUpdateAttempt: timestampFromMs(nack.atMs),
    });
  }
  return config;
}
