import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { createMesh } from 'inmesh';
import { ConfigFolder } from '../../support/config-folder.js';
import { IdentityFolder } from '../../support/identity-folder.js';
import type { TestIdentity } from '../../support/mesh-authority.js';

/** On the same port as an Envoy, so that policies about ports are the same for both. */
export const ownAddress = '127.0.0.2';

/** A server of the SDK that policies protect, over mutual TLS. */
export async function servePolicedWorkload(
  files: Readonly<Record<string, string>>,
  port: number,
  identity: TestIdentity,
  handler: RequestListener,
): Promise<{ close(): Promise<void> }> {
  const folder = new ConfigFolder();
  for (const [name, text] of Object.entries(files)) folder.write(name, text);
  const certificates = new IdentityFolder(identity);
  const mesh = await createMesh({ config: folder.path, identity: certificates.path, logger: silent });
  await mesh.ready();
  const server = mesh.createServer(handler);
  server.listen(port, ownAddress);
  await once(server, 'listening');
  return {
    close: async () => {
      server.close();
      server.closeAllConnections();
      await mesh.close();
      await certificates.close();
      await folder.close();
    },
  };
}

const silent = { info: () => {}, warn: () => {}, error: () => {} };
