import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type IssuedKey, keySet } from '../../packages/sdk/test/authentication/issuer.js';

/** Serves the keys of an issuer at `/jwks.json`, and counts how often it is asked. */
export interface KeyServer {
  readonly uri: string;
  keys: readonly IssuedKey[];
  asked: number;
  close(): Promise<void>;
}

export async function startKeyServer(keys: readonly IssuedKey[]): Promise<KeyServer> {
  const server = createServer((_req, res) => {
    keyServer.asked += 1;
    res.setHeader('content-type', 'application/json').end(keySet(keyServer.keys));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const keyServer: KeyServer = {
    uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`,
    keys,
    asked: 0,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return keyServer;
}
