import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMesh, type Mesh } from 'inmesh';
import { ConfigServer } from './config-server.js';
import { Identities } from './identities.js';
import { everyone, jason, Load } from './load.js';
import { Scraper } from './scraper.js';
import { Service } from './service.js';
import { SupervisedProcess } from './supervised-process.js';
import { renderTable } from './table.js';
import { productpage, workloads } from './topology.js';
import { untilComplete } from './until-complete.js';

const startWithinMs = 60_000;

export interface DemoOptions {
  /** YAML for people to edit. */
  readonly configFolder: string;
  /** 0 for a free one. */
  readonly pagePort: number;
  say(line: string): void;
}

export interface Started {
  /** Where the page is. */
  readonly url: string;
  /** Where the config server is. */
  readonly xds: string;
  /** A service that takes nobody without a certificate. */
  readonly strict: string;
}

/** A config server with a certificate authority, the processes of the shop, and a little load. */
export class Demo {
  /** For this user alone, as there are keys in it; removed in the end. */
  readonly #folder = mkdtempSync(join(tmpdir(), 'inmesh-bookinfo-'));
  readonly #endpointFolder = join(this.#folder, 'endpoints');
  readonly #configServer: ConfigServer;
  readonly #services: readonly Service[];
  readonly #processes: readonly SupervisedProcess[];
  readonly #load = new Load();
  readonly #scraper = new Scraper();
  #observer: Mesh | undefined;
  #ending = false;

  constructor({ configFolder, pagePort, say }: DemoOptions) {
    mkdirSync(this.#endpointFolder);
    const identities = new Identities(this.#folder, new Set(workloads.map(({ serviceAccount }) => serviceAccount)));
    this.#configServer = new ConfigServer([configFolder, this.#endpointFolder], identities);
    this.#services = workloads.map(
      (workload) =>
        new Service(workload, {
          folder: this.#endpointFolder,
          configServer: this.#configServer,
          identities,
          ...(workload === productpage && { port: pagePort }),
        }),
    );
    this.#processes = [this.#configServer, ...this.#services].map((role) => new SupervisedProcess(role, say));
  }

  get ending(): boolean {
    return this.#ending;
  }

  /** Starts everything, and waits until the page is complete. */
  async start(): Promise<Started> {
    const [configServer, ...services] = this.#processes;
    await Promise.all(this.#services.map((service) => service.down())); // Known, and not there yet.
    await configServer!.start();
    await Promise.all(services.map((service) => service.start()));
    // The demo is a member of the mesh itself: so it can say where a request would go.
    this.#observer = await createMesh({
      xds: this.#configServer.address,
      namespace: 'default',
      labels: { app: 'demo' },
    });
    const { url } = this.#services.find(({ workload }) => workload === productpage)!;
    const product = `${url}/api/v1/products/0`;
    await untilComplete(product, startWithinMs);
    await this.#scrape(); // Rates are counted from here on.
    this.#load.start(product);
    const { url: details } = this.#services.find(({ workload }) => workload.app === 'details')!;
    return { url: url!, xds: this.#configServer.address, strict: `${details}/details/0` };
  }

  /** What the load and the callers' metrics say of the last seconds. */
  async table(): Promise<string[]> {
    await this.#scrape();
    const routes = [everyone, jason].map((caller) => ({
      caller,
      explanation: this.#observer!.explain({ url: 'http://reviews:9080/reviews/0', headers: caller.headers }),
      seen: this.#load.seenBy(caller),
    }));
    const called = this.#services.filter(({ workload }) => workload !== productpage);
    return renderTable(
      routes,
      called.map(({ name, port }) => ({ name, port, rates: this.#scraper.ratesOf(name) })),
      this.#scraper.callers(),
    );
  }

  /** Lets everything end by itself. */
  async stop(): Promise<void> {
    this.#ending = true;
    await this.#load.stop();
    await Promise.all(this.#processes.map((one) => one.stop()));
    await this.#observer?.close();
  }

  /** Leaves nothing behind, at once. */
  kill(): void {
    for (const one of this.#processes) one.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #scrape(): Promise<void> {
    return this.#scraper.scrape(
      this.#services.flatMap(({ metricsUrl }) => (metricsUrl === undefined ? [] : [metricsUrl])),
    );
  }
}
