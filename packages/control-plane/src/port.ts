import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';

/** A port to open; 0 for a free one. */
export interface PortChoice {
  readonly host: string;
  readonly port: number;
  /** Where the user chooses another. */
  readonly flag: string;
}

/** `host:port`, with brackets around an IPv6 address. */
export function formatAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Returns the port that it got. @throws Error that says what to do */
export async function listen(server: Server, { host, port, flag }: PortChoice): Promise<number> {
  try {
    server.listen(port, host);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  } catch (error) {
    throw new Error(adviceOn(error as NodeJS.ErrnoException, { host, port, flag }), { cause: error });
  }
}

/** For those who open ports by themselves and cannot say why it failed. */
export async function checkPortIsFree(choice: PortChoice): Promise<void> {
  const server = createServer();
  await listen(server, choice);
  server.close();
  await once(server, 'close');
}

function adviceOn({ code, message }: NodeJS.ErrnoException, { host, port, flag }: PortChoice): string {
  if (code === 'EADDRINUSE') return `port ${port} of ${host} is in use by another program: choose another with ${flag}`;
  if (code === 'EACCES') return `port ${port} may not be opened by this user: choose one above 1023 with ${flag}`;
  return `port ${port} of ${host} cannot be opened (--host, ${flag}): ${message}`;
}
