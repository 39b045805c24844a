import { findCluster, startControlPlane } from '@inmesh/control-plane';
import type { ServerOrder, ServerWord } from './messages.js';

const [source, place = ''] = process.argv.slice(2);
const ignore = () => {};
const logger = { debug: ignore, info: ignore, warn: console.warn, error: console.error };

const ports = { xdsPort: 0, metricsPort: 0, debugPort: 0 };
const sources =
  source === 'kubernetes'
    ? { config: [], kubernetes: { cluster: findCluster({ kubeconfig: place }) } }
    : { config: [place] };
const server = await startControlPlane({ ...sources, logger, streamsPerSecond: 1000, ...ports });

function say(word: ServerWord): void {
  process.send?.(word);
}

process.on('message', (order: ServerOrder) => {
  if (order === 'kept') globalThis.gc?.();
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  say({ kind: 'usage', cpuMs: (user + system) / 1000, rssMb: rss / 1e6, heapMb: heapUsed / 1e6 });
});
process.once('disconnect', () => process.exit());
say({ kind: 'ready', address: server.addresses.xds });
