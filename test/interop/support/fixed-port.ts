import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * A free port on loopback that stays free until a program takes it: it is none of those that the system gives to connections
 * that go out, as a port is that was free a moment ago.
 */
export async function fixedPort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
