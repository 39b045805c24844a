import type { Cluster } from '@inmesh/core';
import { buildConnector, type Client } from 'undici';

/** Beyond it Node's timers fire at once. */
const maxTimerMs = 2 ** 31 - 1;

/** How the connections of one pool are made and how long they are kept. */
export interface ConnectionSettings {
  readonly client: Client.Options;
  /** Infinity for no limit. */
  readonly maxRequests: number;
  /** 0 for no limit. */
  readonly maxDurationMs: number;
}

/** One connector for all connections of a pool: it keeps the TLS sessions that the next one resumes. */
export function connectionSettings(cluster: Cluster): ConnectionSettings {
  const { connectTimeoutMs, connectionIdleTimeoutMs, maxRequestsPerConnection, maxConnectionDurationMs } = cluster;
  const connect = buildConnector({ timeout: connectTimeoutMs, ...keepalive(cluster) } as buildConnector.BuildOptions);
  return {
    client: { connect, ...idleTimeout(connectionIdleTimeoutMs) },
    maxRequests: maxRequestsPerConnection,
    maxDurationMs: maxConnectionDurationMs,
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

function keepalive({ tcpKeepalive }: Cluster): buildConnector.BuildOptions | undefined {
  if (tcpKeepalive === undefined) return undefined;
  const { timeMs } = tcpKeepalive;
  return {
    keepAlive: true,
    ...(timeMs !== undefined && { keepAliveInitialDelay: timeMs }),
  } as buildConnector.BuildOptions;
}
