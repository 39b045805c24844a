import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { ConfigServer } from './config-server.js';
import { writeEndpoint } from './endpoint-files.js';
import type { Identities } from './identities.js';
import type { Role } from './supervised-process.js';
import type { Workload } from './topology.js';

/** One process of a service; its endpoint file says where it listens while it does. */
export class Service implements Role {
  readonly name: string;
  readonly script: URL;
  /** Where it listens; undefined while it does not. */
  port: number | undefined;
  #metricsPort: number | undefined;
  #wantedPort = 0;

  constructor(
    readonly workload: Workload,
    private readonly options: {
      /** Where endpoint files are written. */
      folder: string;
      configServer: ConfigServer;
      identities: Identities;
      /** This port, 0 for a free one, at every start; by default each start takes another one. */
      port?: number;
    },
  ) {
    this.#wantedPort = options.port ?? 0;
    this.name = workload.name;
    this.script = new URL(`../services/${workload.app}.js`, import.meta.url);
  }

  get url(): string | undefined {
    return this.port === undefined ? undefined : `http://127.0.0.1:${this.port}`;
  }

  /** Where its metrics are read. */
  get metricsUrl(): string | undefined {
    return this.port === undefined ? undefined : `http://127.0.0.1:${this.#metricsPort}/metrics`;
  }

  command() {
    const { app, version, name, serviceAccount } = this.workload;
    const { tlsAddress } = this.options.configServer;
    return {
      args: [name], // It need not know; who looks at `ps` sees which one this is.
      environment: {
        INMESH_XDS: `tls://${tlsAddress}`,
        ...this.options.identities.variables(serviceAccount, tlsAddress),
        INMESH_APP: app,
        INMESH_VERSION: version,
        POD_NAMESPACE: 'default',
        POD_NAME: name,
        POD_IP: '127.0.0.1',
        PORT: String(this.#wantedPort),
      },
    };
  }

  async portOf(child: ChildProcess): Promise<number> {
    const [{ port, metricsPort }] = (await once(child, 'message')) as [{ port: number; metricsPort: number }];
    this.#metricsPort = metricsPort;
    return port;
  }

  async up(port: number): Promise<void> {
    this.port = port;
    if (this.options.port !== undefined) this.#wantedPort = port;
    await writeEndpoint(this.options.folder, this.workload, port);
  }

  async down(): Promise<void> {
    this.port = undefined;
    await writeEndpoint(this.options.folder, this.workload);
  }
}
