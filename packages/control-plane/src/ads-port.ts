import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { AdsServer } from '@inmesh/xds/server';
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

const serverOptions = {
  // A client that is gone without a word leaves its stream open for ever otherwise.
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  // The names of 100,000 endpoints; the default of 4 MB is too little.
  'grpc.max_receive_message_length': 16 * 1024 * 1024,
};

/** Opens the port that clients take their configuration from. */
export async function openAdsPort(ads: AdsServer, metrics: ServerMetrics, at: PortChoice): Promise<AdsPort> {
  // When grpc-js cannot bind it writes to the console, and its error has no code.
  await checkPortIsFree(at);
  const server = new Server({ ...serverOptions, interceptors: [countDiscovery(metrics)] });
  ads.addTo(server);
  const port = await bind(server, formatAddress(at.host, at.port));
  return { address: formatAddress(at.host, port), close: () => shutDown(server, ads) };
}

function bind(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}

async function shutDown(server: Server, ads: AdsServer): Promise<void> {
  ads.close();
  const timer = setTimeout(() => server.forceShutdown(), closeGraceMs);
  await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  clearTimeout(timer);
}
