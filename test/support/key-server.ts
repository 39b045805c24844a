import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type IssuedKey, keySet } from '../../packages/sdk/test/authentication/issuer.js';

/** Serves the keys of an issuer at `/jwks.json`, and counts how often it is asked. */
export interface KeyServer {
  readonly uri: string;
  /** As its description (OpenID Connect Discovery) has it. */
  readonly issuer: string;
  keys: readonly IssuedKey[];
  asked: number;
  close(): Promise<void>;
}

/** @throws when the port is given and taken */
export async function startKeyServer(keys: readonly IssuedKey[], port = 0): Promise<KeyServer> {
  const server = createServer(({ url }, res) => {
    res.setHeader('content-type', 'application/json');
    if (url === '/.well-known/openid-configuration') {
      res.end(JSON.stringify({ issuer: keyServer.issuer, jwks_uri: keyServer.uri }));
      return;
    }
    keyServer.asked += 1;
    res.end(keySet(keyServer.keys));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening').catch((cause) => {
    throw new Error(`port ${port}, where the configuration has keys, is taken on this machine`, { cause });
  });
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const keyServer: KeyServer = {
    issuer,
    uri: `${issuer}/jwks.json`,
    keys,
    asked: 0,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return keyServer;
}
