import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock } from '@inmesh/core/testing';
import { createMesh, type Mesh, type MeshOptions } from '../../src/index.js';

/** The seed's second condition; what connects from 127.0.0.20 is seen as this address. */
export const limitedClient = { localAddress: '127.0.0.20', seenAs: '::ffff:10.28.11.20' } as const;

export interface LimitedMesh {
  readonly mesh: Mesh;
  readonly clock: FakeClock;
  /** Where `reviews` and `productpage` both are served. */
  readonly port: number;
  /** Paths that came to the handler. */
  readonly handled: string[];
  close(): Promise<void>;
}

/** One process that is `reviews` and `productpage` at once, on a clock that stands still, with some limits. */
export async function limitedMesh(limits: string, options: MeshOptions = {}): Promise<LimitedMesh> {
  const folder = mkdtempSync(join(tmpdir(), 'inmesh-limits-'));
  const clock = new FakeClock();
  const port = await freePort();
  const services = ['reviews', 'productpage'].map((name) => serviceAt(name, port));
  writeFileSync(join(folder, 'services.yaml'), services.join(''));
  writeFileSync(join(folder, 'limits.yaml'), limits);
  const mesh = await createMesh({ config: folder, clock, ...options });
  await mesh.ready();
  const handled: string[] = [];
  const server = mesh.createServer((request, response) => {
    handled.push(request.url ?? '');
    response.end('served');
  });
  server.prependListener('connection', (socket) => {
    if (socket.remoteAddress?.endsWith(limitedClient.localAddress)) {
      Object.defineProperty(socket, 'remoteAddress', { value: limitedClient.seenAs });
    }
  });
  server.listen(port, '0.0.0.0');
  await once(server, 'listening');
  return {
    mesh,
    clock,
    port,
    handled,
    async close() {
      await mesh.close();
      server.closeAllConnections();
      server.close();
      rmSync(folder, { recursive: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '0.0.0.0');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function serviceAt(name: string, port: number): string {
  return `---
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec: { ports: [{ name: http, port: 9080 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ name: http, port: ${port} }]
endpoints: [{ addresses: [127.0.0.1], conditions: { ready: true } }]
`;
}
