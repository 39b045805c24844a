import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export async function listen(server: Server, port = 0): Promise<void> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
}

/** Lets the requests under way end first. */
export async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  await closed;
}

/** Tells whoever started this process the port it got; ends the process when asked to. */
export function serving(server: Server, end: () => Promise<void>): void {
  const { port } = server.address() as AddressInfo;
  process.once('SIGTERM', () => void end());
  process.send?.({ port });
}
