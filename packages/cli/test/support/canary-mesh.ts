import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ControlPlane, type ControlPlaneOptions, startControlPlane } from '@inmesh/control-plane';
import { createMesh, type Mesh } from 'inmesh';
import { reviewsYaml } from './config-folder.js';

/** All of it to v1. */
export const route = `# reviews, for all
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews, namespace: default }
spec:
  hosts: [reviews]
  http:
    - route: # both
        - { destination: { host: reviews, subset: v1 }, weight: 100 }
        - { destination: { host: reviews, subset: v2 }, weight: 0 }   # new
`;

/** Two versions of reviews on loopback; how many of a version's answers are 500 is said each time. */
export class Versions {
  readonly #servers: readonly ReturnType<typeof createServer>[];
  readonly answered = { v1: 0, v2: 0 };
  /** Every so many-th answer of v2 is 500; 0: none. */
  failEvery = 0;

  private constructor() {
    this.#servers = (['v1', 'v2'] as const).map((version) =>
      createServer((_request, response) => {
        this.answered[version] += 1;
        const fails = version === 'v2' && this.failEvery > 0 && this.answered.v2 % this.failEvery === 0;
        response.writeHead(fails ? 500 : 200).end(version);
      }),
    );
  }

  static async start(): Promise<Versions> {
    const versions = new Versions();
    await Promise.all(
      versions.#servers.map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))),
    );
    return versions;
  }

  /** Service, endpoints and DestinationRule. */
  get yaml(): string {
    const [v1, v2] = this.#servers.map((server) => String((server.address() as AddressInfo).port));
    return reviewsYaml.replace('port: 9001', `port: ${v1}`).replace('port: 9002', `port: ${v2}`);
  }

  /** A Service for each of them, `reviews-v1` and `reviews-v2`. */
  get servicesYaml(): string {
    const documents = this.#servers.map((server, at) => {
      const name = `reviews-v${at + 1}`;
      const { port } = server.address() as AddressInfo;
      return `---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: default }
spec: { ports: [{ name: http, port: 80 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}-own, namespace: default, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ name: http, port: ${port} }]
endpoints: [{ addresses: [127.0.0.1], conditions: { ready: true } }]
`;
    });
    return documents.join('');
  }

  close(): void {
    for (const server of this.#servers) {
      server.close();
      server.closeAllConnections();
    }
  }
}

const silent = { info() {}, warn() {}, error() {} };

/** A config server of a folder to which clients report ten times a second. */
export function serveFolder(folder: string, options: Partial<ControlPlaneOptions> = {}): Promise<ControlPlane> {
  const ports = { xdsPort: 0, debugPort: 0, metricsPort: 0 };
  return startControlPlane({ config: [folder], ...ports, loadReportIntervalMs: 100, logger: silent, ...options });
}

/** Calls reviews, some at a time, until it is closed. */
export class Traffic {
  #isClosed = false;
  readonly #done: Promise<unknown>;

  private constructor(private readonly mesh: Mesh) {
    this.#done = Promise.all(Array.from({ length: 4 }, () => this.#call()));
  }

  static async start(xds: string): Promise<Traffic> {
    const mesh = await createMesh({ xds, loadReports: true });
    await mesh.ready();
    return new Traffic(mesh);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#done;
    await this.mesh.close();
  }

  async #call(): Promise<void> {
    while (!this.#isClosed) {
      // Some have nobody to be sent to.
      const response = await this.mesh.fetch('http://reviews/').catch(() => undefined);
      await response?.text();
      // The other processes of the machine are to have their turn too.
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}
