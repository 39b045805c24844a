import { Server, ServerCredentials } from '@grpc/grpc-js';
import { type AdsServer, ClientStatusServer, type LoadReportServer } from '@inmesh/xds/server';
import { countDiscovery } from './count-discovery.js';
import type { ServerMetrics } from './metrics.js';
import { checkPortIsFree, formatAddress, type PortChoice } from './port.js';

export interface AdsPort {
  /** `host:port` */
  readonly address: string;
  close(): Promise<void>;
}

/** How long a close waits for streams to end in order. */
const closeGraceMs = 1000;

/** How long a connection lasts once its client has been told to connect anew (istiod's default). */
const connectionGraceMs = 10_000;

export const serverOptions = {
  // A client that is gone without a word leaves its stream open for ever otherwise.
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  // The names of 100,000 endpoints; the default of 4 MB is too little.
  'grpc.max_receive_message_length': 16 * 1024 * 1024,
};

export interface XdsServices {
  readonly ads: AdsServer;
  readonly loads: LoadReportServer;
}

/** Opens the port that clients take their configuration from, and report their load to. */
export async function openAdsPort(
  services: XdsServices,
  metrics: ServerMetrics,
  at: PortChoice & { readonly maxConnectionAgeMs: number },
): Promise<AdsPort> {
  // When grpc-js cannot bind it writes to the console, and its error has no code.
  await checkPortIsFree(at);
  const interceptors = [countDiscovery(metrics)];
  const server = new Server({ ...serverOptions, ...connectionAge(at.maxConnectionAgeMs), interceptors });
  services.ads.addTo(server);
  services.loads.addTo(server);
  new ClientStatusServer(services.ads).addTo(server);
  const port = await bind(server, formatAddress(at.host, at.port));
  return { address: formatAddress(at.host, port), close: () => shutDown(server, services) };
}

export function connectionAge(maxMs: number): object {
  return {
    'grpc.max_connection_age_ms': maxMs,
    // Streams of discovery never end by themselves.
    'grpc.max_connection_age_grace_ms': Math.min(connectionGraceMs, maxMs),
  };
}

function bind(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}

async function shutDown(server: Server, { ads, loads }: XdsServices): Promise<void> {
  ads.close();
  loads.close();
  await endInOrder(server);
}

/** Once what it serves has ended. */
export async function endInOrder(server: Server): Promise<void> {
  const timer = setTimeout(() => server.forceShutdown(), closeGraceMs);
  await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  clearTimeout(timer);
}
