import type { Socket } from 'node:net';
import type { Clock, Cluster } from '@inmesh/core';
import type { buildConnector, Client } from 'undici';
import type { UpstreamTlsContext } from '../identity/upstream-tls.js';
import { type Connector, createConnector, createTlsConnector } from './connector.js';

/** Beyond it Node's timers fire at once. */
const maxTimerMs = 2 ** 31 - 1;

/** How the connections of one pool are made and how long they are kept. */
export interface ConnectionSettings {
  /** One for all connections of a pool: it keeps the TLS sessions that the next one resumes. */
  readonly connect: Connector;
  readonly client: Client.Options;
  /** Infinity for no limit. */
  readonly maxRequests: number;
  /** 0 for no limit. */
  readonly maxDurationMs: number;
  /** What connections are made with now; one that was made with another is used no more. Undefined: it never changes. */
  readonly epoch: (() => unknown) | undefined;
  /** Of the certificates of servers. Undefined: nobody looks at them here. */
  readonly validity: PeerValidity | undefined;
}

/** A connection is used no longer than the certificate of its server lasts. Wall clock, in ms. */
export interface PeerValidity {
  readonly now: () => number;
  readonly endOf: (socket: Socket) => number;
}

/** TLS that the configuration asks for, and not the URL. */
export interface TransportTls {
  /** @throws MeshError where there is nothing to make a connection with */
  readonly context: () => UpstreamTlsContext;
  readonly epoch: () => unknown;
  readonly validity: PeerValidity | undefined;
}

/** @param clock what the connect timeout runs on */
export function connectionSettings(cluster: Cluster, clock: Clock, tls?: TransportTls): ConnectionSettings {
  const { connectTimeoutMs, connectionIdleTimeoutMs, maxRequestsPerConnection, maxConnectionDurationMs } = cluster;
  return {
    connect:
      tls === undefined
        ? createConnector(keepalive(cluster), connectTimeoutMs, clock)
        : createTlsConnector(tls.context, keepalive(cluster), connectTimeoutMs, clock),
    client: idleTimeout(connectionIdleTimeoutMs),
    maxRequests: maxRequestsPerConnection,
    maxDurationMs: maxConnectionDurationMs,
    epoch: tls?.epoch,
    validity: tls?.validity,
  };
}

/** Equal for clusters whose connections are alike. */
export function settingsKey(cluster: Cluster): string {
  const { connectTimeoutMs, connectionIdleTimeoutMs, maxRequestsPerConnection, maxConnectionDurationMs } = cluster;
  const keepaliveMs = cluster.tcpKeepalive === undefined ? '' : (cluster.tcpKeepalive.timeMs ?? 'default');
  return [
    connectTimeoutMs,
    connectionIdleTimeoutMs,
    maxRequestsPerConnection,
    maxConnectionDurationMs,
    keepaliveMs,
  ].join();
}

/** What a server says of its own patience (`Keep-Alive: timeout`) counts below the setting, and is kept below by 2 s. */
function idleTimeout(ms: number): Client.Options {
  if (ms === 0) return {};
  const keepAliveTimeout = Math.min(ms, maxTimerMs);
  return { keepAliveTimeout, keepAliveMaxTimeout: keepAliveTimeout };
}

function keepalive({ tcpKeepalive }: Cluster): buildConnector.BuildOptions {
  if (tcpKeepalive === undefined) return {} as buildConnector.BuildOptions;
  const { timeMs } = tcpKeepalive;
  return {
    keepAlive: true,
    ...(timeMs !== undefined && { keepAliveInitialDelay: timeMs }),
  } as buildConnector.BuildOptions;
}
