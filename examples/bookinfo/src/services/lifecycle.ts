import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';

/** In a container LISTEN_HOST is 0.0.0.0 and PORT fixed; on a laptop both are nobody else's. */
export const at = { host: process.env.LISTEN_HOST ?? '127.0.0.1', port: Number(process.env.PORT ?? 0) };

export async function listen(server: Server, port = at.port): Promise<void> {
  server.listen({ host: at.host, port });
  await once(server, 'listening');
}

/** Lets the requests under way end first. */
export async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  await closed;
}

/**
 * Tells whoever started this process the ports it got; ends the process when asked to. Metrics have a port of their own:
 * who reads them has no certificate of the mesh, and the service's port takes nobody without one.
 */
export async function serving(server: Server, register: Registry, end: () => Promise<void>): Promise<void> {
  const metrics = createServer(async (_request, response) => response.end(await register.metrics()));
  await listen(metrics, Number(process.env.METRICS_PORT ?? 0));
  process.once('SIGTERM', async () => {
    metrics.close();
    await end();
  });
  process.send?.({ port: portOf(server), metricsPort: portOf(metrics) });
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
