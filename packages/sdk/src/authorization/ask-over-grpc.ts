import type { Client } from '@grpc/grpc-js';
import type { Call, ExternalAuthorization } from '@inmesh/core';
import type { CheckRequest, CheckResponse, HeaderChange } from '@inmesh/xds/external-authorization';
import { loadGrpcJs } from '../grpc/grpc-js.js';
import type { MeshGrpc } from '../grpc/mesh-grpc.js';
import { runInside } from '../server/handler-context.js';
import { InboundCall } from '../server/inbound-call.js';
import { type AskService, authorityOfCluster, nameTest, refusalOf, type Verdict } from './ask-service.js';

type Messages = typeof import('@inmesh/xds/external-authorization');

type Pairs = readonly (readonly [name: string, value: string])[];

const forbidden = 403;

/** Envoy's `grpc_service`: `envoy.service.auth.v3.Authorization/Check`. Messages and library are loaded at the first use. */
export function askOverGrpc(grpc: () => MeshGrpc, wallClock: () => number): AskService {
  /** By authority: as many as the configuration has services. */
  const clients = new Map<string, Client>();
  const clientOf = (authority: string) => {
    let client = clients.get(authority);
    if (client === undefined) {
      client = grpc().client(loadGrpcJs().Client, authority);
      clients.set(authority, client);
    }
    return client;
  };
  return async (call, authorization) => {
    const messages = await import('@inmesh/xds/external-authorization');
    const client = clientOf(authorityOfCluster(authorization.service.cluster));
    const deadline = wallClock() + authorization.timeoutMs;
    const request = requestOf(call, authorization, messages);
    const ask = () => check(client, request, deadline, messages);
    return verdictOf(call, await (call instanceof InboundCall ? runInside(call, ask) : ask()));
  };
}

function check(
  client: Client,
  request: CheckRequest,
  deadline: number,
  { checkMethod }: Messages,
): Promise<CheckResponse> {
  const { path, requestSerialize, responseDeserialize } = checkMethod;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, { deadline }, (error, response) => {
      if (error !== null) reject(error);
      else if (response === undefined) reject(new Error('it answers nothing'));
      else resolve(response);
    });
  });
}

function requestOf(call: Call, { includedRequestHeaders }: ExternalAuthorization, messages: Messages): CheckRequest {
  const { connection, method, path, authority, scheme, protocol } = call;
  const address = (host: string, port = 0) =>
    ({
      address: { case: 'socketAddress', value: { address: host, portSpecifier: { case: 'portValue', value: port } } },
    }) as const;
  return messages.checkRequest({
    attributes: {
      source: {
        address: address(connection?.remoteAddress ?? call.sourceAddress),
        principal: connection?.peer?.spiffeId ?? '',
      },
      destination: { address: address(connection?.localAddress ?? '', connection?.localPort) },
      request: {
        http: {
          // The size of what has been read by now is nothing: as Envoy has it.
          ...{ method, path, host: authority, scheme, size: 0n },
          headers: headersOf(call, includedRequestHeaders),
          protocol: protocol === 'grpc' ? 'HTTP/2' : 'HTTP/1.1',
        },
      },
    },
  });
}

/** All of them where none is listed. Lines of one name are joined, as the message has room for one value. */
function headersOf(
  { headers, method, path, authority, scheme }: Call,
  listed: ExternalAuthorization['includedRequestHeaders'],
) {
  const isListed = nameTest(listed);
  const names = new Set(headers.flat.filter((_text, index) => index % 2 === 0));
  const kept = [...names].filter((name) => listed.length === 0 || isListed(name) || name === 'authorization');
  return {
    ...{ ':method': method, ':path': path, ':authority': authority, ':scheme': scheme },
    ...Object.fromEntries(kept.map((name) => [name, headers.getJoined(name) ?? ''])),
  };
}

/** A status that is not OK refuses, whatever else the answer says. */
function verdictOf(call: Call, { status, httpResponse }: CheckResponse): Verdict {
  if ((status?.code ?? 0) === 0 && httpResponse.case !== 'deniedResponse') {
    const ok = httpResponse.case === 'okResponse' ? httpResponse.value : undefined;
    return {
      kind: 'allowed',
      requestHeaders: (ok?.headers ?? []).flatMap((change) => pairOf(change, call)),
      removedHeaders: (ok?.headersToRemove ?? []).map((name) => name.toLowerCase()).filter(isOrdinary),
      responseHeaders: (ok?.responseHeadersToAdd ?? []).flatMap((change) => pairOf(change)),
    };
  }
  const denied = httpResponse.case === 'deniedResponse' ? httpResponse.value : undefined;
  const changes = denied?.headers ?? [];
  return refusalOf(
    statusOf(denied?.status?.code),
    changes.flatMap((change) => pairOf(change)),
    denied?.body ?? '',
  );
}

function statusOf(code: number | undefined): number {
  return code === undefined || code < 200 || code > 599 ? forbidden : code;
}

/** What is to be added goes behind what the call has already, and nowhere where it has nothing (Envoy). */
function pairOf({ header, append }: HeaderChange, call?: Call): Pairs {
  const name = header?.key.toLowerCase() ?? '';
  if (header === undefined || !isOrdinary(name)) return [];
  const value = header.value === '' ? Buffer.from(header.rawValue).toString('latin1') : header.value;
  if (append !== true || call === undefined) return [[name, value]];
  const before = call.headers.getJoined(name);
  return before === undefined ? [] : [[name, `${before},${value}`]];
}

/** The request line and the host are what was judged: they stay. */
function isOrdinary(name: string): boolean {
  return name !== '' && name !== 'host' && !name.startsWith(':');
}
